"""What stands below the report: how good its data are, and what each figure means."""

from schema.quality import HEALTHY
from schema.value_of_time import CURRENCY, GUIDANCE, VALUE_OF_TIME, VEHICLE_OCCUPANCY
from spark.insights.comparison import LEAST_SHARE
from spark.insights.insight import VEHICLE_HOURS, Insight
from spark.insights.parameters import Parameters
from spark.report.wording import share


def notes(delay: Insight, parameters: Parameters) -> list[tuple[str, str]]:
    """Term and meaning."""
    planned = share(parameters.planning_percentile)
    return [
        ("Good data", _good(delay.detail["good_share"])),
        ("Delay", _delay(delay)),
        ("Cost", _cost(parameters)),
        (
            "Planning time index",
            f"the travel time that {planned} of those from 6 to 20 h do not exceed, over that at free flow.",
        ),
        ("Buffer", "what to add to the mean travel time to arrive in that time."),
        ("Incidents", "their delay is against the normal of the same hours in the 28 days before."),
        ("Bottleneck", "where slow traffic meets fast traffic downstream (Chen, Skabardonis and Varaiya, 2004)."),
        (
            "The week before",
            f"compared where each week has {share(LEAST_SHARE)} of what the other has observed or more.",
        ),
    ]


def _good(good_share: float | None) -> str:
    if good_share is None:
        return "the share of good readings is not known."
    verdict = "which counts as healthy" if good_share >= HEALTHY else f"below the {share(HEALTHY)} of healthy data"
    return f"{share(good_share)} of the readings behind the delay are good, {verdict}."


def _delay(delay: Insight) -> str:
    if delay.unit == VEHICLE_HOURS:
        return "hours that all counted vehicles lost against the reference speed (veh h)."
    return "seconds that one vehicle lost on a link, mean; vehicles are not counted here, so nothing has a cost."


def _cost(parameters: Parameters) -> str:
    chosen = (parameters.value_of_time, parameters.vehicle_occupancy, parameters.currency)
    source = f" ({GUIDANCE})" if chosen == (VALUE_OF_TIME, VEHICLE_OCCUPANCY, CURRENCY) else ""
    return (
        f"{parameters.currency} {parameters.value_of_time:.2f} for an hour of one person, "
        f"times {parameters.vehicle_occupancy:g} people a vehicle{source}."
    )
