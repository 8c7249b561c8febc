"""What is published for the page to show: a bridge with two directions, and what happens there."""

from datetime import UTC, datetime, timedelta

from schema.events import Alert, Incident, LineString, Prediction, Reading, Sensor
from schema.publisher import Publisher
from tests.api.page.browser import Visit

EAST = "test:bridge-east"
WEST = "test:bridge-west"
MANHATTAN, BROOKLYN = [-73.9990, 40.7080], [-73.9905, 40.7010]
MODEL = "gradient-boosting-3"


def link(sensor: str, name: str, places: list[list[float]], area: str = "Manhattan") -> Sensor:
    return Sensor(
        external_id=sensor,
        name=name,
        area=area,
        geometry=LineString(coordinates=places),
        length_m=1100,
        free_flow_speed_kmh=72,
        lanes=3,
    )


def reading(sensor: str, speed_kmh: float, *, minutes_ago: float = 0) -> Reading:
    return Reading(sensor=sensor, time=datetime.now(UTC) - timedelta(minutes=minutes_ago), speed_kmh=speed_kmh)


def collision(description: str, status: str = "reported") -> Incident:
    return incident("test-collision", "collision", description, status)


def incident(id_: str, kind: str, description: str, status: str = "reported") -> Incident:
    now = datetime.now(UTC)
    return Incident(
        id=id_,
        time=now,
        status="cleared" if status == "cleared" else "reported",
        kind="road_works" if kind == "road_works" else "collision",
        severity="high",
        started_at=now - timedelta(minutes=4),
        description=description,
        sensors=[EAST],
        road="Bridge",
        lat=40.7045,
        lon=-73.9948,
        lanes_blocked=1,
    )


def prediction(sensor: str, minutes: int, speed_kmh: float, *, minutes_ago: float = 0) -> Prediction:
    made = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return Prediction(
        sensor=sensor,
        made_at=made,
        target_time=made + timedelta(minutes=minutes),
        horizon_s=minutes * 60,
        speed_kmh=speed_kmh,
        lower_kmh=speed_kmh - 5,
        upper_kmh=speed_kmh + 5,
        model=MODEL,
    )


def alert(state: str, summary: str = "Speed below 20 km/h for 5 minutes") -> Alert:
    return Alert(
        id="test-alert",
        time=datetime.now(UTC),
        rule="Jam",
        subject=EAST,
        state="firing" if state == "firing" else "resolved",
        priority="high",
        summary=summary,
    )


async def publish(feed: Publisher, *events: Sensor | Reading | Incident | Prediction | Alert) -> None:
    for event in events:
        await feed.publish(event)
    await feed.flush()


async def until_speed(open_page: Visit, sensor: str, speed_kmh: float) -> None:
    expression = "([sensor, speed]) => urbanclear.links > 0 && Math.round(urbanclear.speedOf(sensor)) === speed"
    await open_page.until(expression, [sensor, speed_kmh])
