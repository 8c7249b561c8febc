"""The insights of some days against those before: where time was lost, how surely people arrive, what changed."""

from spark.insights.insight import Insight, ranked
from spark.insights.measures import Reader
from spark.insights.movers import movers
from spark.insights.rankings import bottlenecks, incident_cost, worst_delay, worst_reliability
from spark.insights.totals import delay_totals, incident_totals, reliability_totals


def compute(reader: Reader) -> list[Insight]:
    """All of them, by kind and rank."""
    parameters = reader.parameters
    delay, by_day = reader.delay()
    reliability, incidents = reader.reliability(), reader.incidents()
    lost = delay_totals(by_day, reader.now, parameters)
    totals = [
        *lost,
        *reliability_totals(reliability, delay),
        *incident_totals(incidents, parameters, comparable=lost[0].before is not None),
    ]
    return [
        *ranked(totals),
        *worst_delay(delay, parameters),
        *worst_reliability(reliability, parameters),
        *incident_cost(incidents.now, parameters),
        *movers(delay, reliability, parameters),
        *bottlenecks(reader.bottlenecks(), parameters),
    ]
