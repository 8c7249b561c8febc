"""What rules see: one module for each kind of condition, and `observe` as the front door to all of them.

At most three queries a rule and evaluation, and most are shared by the rules of a round (`Context`).
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from alerting.conditions import anomaly, deviation, forecast, incident, silence, sql, threshold
from alerting.conditions.context import Context
from alerting.conditions.silence import sources_down
from alerting.observation import Observation
from schema.alerting.rules import Deviation, Foretold, Query, Reported, Rule, Silent, Threshold, Unusual

__all__ = ["Context", "observe", "sources_down"]


async def observe(connection: AsyncConnection, rule: Rule, context: Context) -> list[Observation]:
    """What `rule` sees of each of its subjects; `value` is None where there are no data.

    Raises `ConfigurationError` where an analyst's query is wrong.
    """
    match rule.when:
        case Threshold() as when:
            return await threshold.observe(connection, when, rule.where, context)
        case Deviation() as when:
            return await deviation.observe(connection, when, rule.where, context)
        case Foretold() as when:
            return await forecast.observe(connection, when, rule.where, context)
        case Reported() as when:
            return await incident.observe(connection, when, rule.where, context)
        case Unusual() as when:
            return await anomaly.observe(connection, when, rule.where, context)
        case Silent() as when:
            return await silence.observe(connection, when, rule.where, context)
        case Query() as when:
            return await sql.observe(connection, when, rule.where, context)
