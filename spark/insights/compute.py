"""The insights of a span against the one before: where time was lost, how surely people arrive, what changed."""

from pyspark.sql import SparkSession

from spark.clusters import Span
from spark.insights.days import Days
from spark.insights.insight import Insight, ranked
from spark.insights.measures import Reader
from spark.insights.movers import movers
from spark.insights.parameters import Parameters
from spark.insights.rankings import bottlenecks, incident_cost, worst_delay, worst_reliability
from spark.insights.totals import delay_totals, incident_totals, reliability_totals
from spark.jdbc import Source
from urbanclear.errors import ConfigurationError


def compute(session: SparkSession, source: Source, span: Span, before: Span, parameters: Parameters) -> list[Insight]:
    """All insights of `span`; raises `ConfigurationError` where there are no measures of it."""
    now, former = (Days.of_span(each.start, each.end, parameters.time_zone) for each in (span, before))
    reader = Reader(session, source, now, former, parameters)
    delay, by_day = reader.delay()
    if not delay.now:
        raise ConfigurationError(
            f"There are no measures of {now}: ingest computes them as readings come, and "
            f"`urbanclear schema reprocess --from {now.first} --to {now.last}` those of the past."
        )
    reliability, incidents = reader.reliability(), reader.incidents()
    lost = delay_totals(by_day, now, parameters)
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
