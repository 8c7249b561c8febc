"""What the bridge needs to know from the database: where sensors are, and the newest state of each topic."""

from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import func, or_, select

from api.database import Database
from api.live import items
from api.live.hub import Hub
from api.live.items import (
    AlertItem,
    IncidentItem,
    Item,
    Place,
    PredictionItem,
    TrafficItem,
    alert_item,
    incident_item,
    prediction_item,
    slug,
    traffic_item,
)
from api.resources.incidents.shapes import active_or_cleared
from api.resources.predictions.shapes import PREDICTION, newest_predictions
from api.resources.sensors.queries import SENSORS
from api.resources.traffic.shapes import TRAFFIC
from schema.alerting.events import alert_event
from schema.events import Alert, Event, Incident, Prediction, Reading, Sensor
from schema.roads.at import Measured, Sensors
from schema.tables import alerts, incidents


class _Known(NamedTuple):
    place: Place
    free_flow_speed_kmh: float | None


_UNKNOWN: Final = _Known(Place(), None)


class Places:
    """Where sensors are and how fast they are when free; items of events are made with it."""

    def __init__(self) -> None:
        self._sensors: dict[str, _Known] = {}
        self._measured: dict[str, Measured | None] = {}
        self._on_the_map: Sensors | None = None  # until another description comes

    async def load(self, database: Database) -> None:
        """Every sensor that is stored."""
        for row in await database.rows(SENSORS):
            place = Place((slug(row["area"]),), row["lon"], row["lat"], (row["sensor"],))
            self._sensors[row["sensor"]] = _Known(place, row["free_flow_speed_kmh"])
            self._measured[row["sensor"]] = Measured.of(dict(row))
        self._on_the_map = None

    def learn(self, sensor: Sensor) -> bool:
        """Take a sensor's newest description; whether readings of it are to be judged anew."""
        name = sensor.external_id
        known = self._sensors.get(name, _UNKNOWN)
        free_flow_kmh = sensor.free_flow_speed_kmh or known.free_flow_speed_kmh
        self._sensors[name] = _Known(Place((slug(sensor.area),), sensor.lon, sensor.lat, (name,)), free_flow_kmh)
        self._measured[name] = Measured.of({"sensor": name, **msgspec.to_builtins(sensor)})
        self._on_the_map = None
        return self._sensors[name] != known

    def of_sensor(self, name: str) -> Place:
        """Where it is, as far as that is known."""
        known = self._sensors.get(name)
        return Place(sensors=(name,)) if known is None else known.place

    def free_flow_kmh(self, name: str) -> float | None:
        return self._sensors.get(name, _UNKNOWN).free_flow_speed_kmh

    def judged(self, item: Item) -> Item:
        """A reading with the level that follows from what is known of its sensor now."""
        assert isinstance(item, TrafficItem)  # noqa: S101
        return item.with_free_flow(self.free_flow_kmh(item.sensor))

    def item_of(self, event: Event) -> tuple[Item, Place]:
        """What is told of an event, and where it belongs."""
        match event:
            case Reading():
                return traffic_item(event, self.free_flow_kmh(event.sensor)), self.of_sensor(event.sensor)
            case Prediction():
                return prediction_item(event, self.free_flow_kmh(event.sensor)), self.of_sensor(event.sensor)
            case Incident():
                item = incident_item(event, event.sensors or self._at(event))
                return item, self.of_incident(item)
            case Alert():
                told = alert_item(event)
                return told, self.of_alert(told)
        raise TypeError(f"nothing is told of {type(event).__name__}")

    def _at(self, incident: Incident) -> list[str]:
        """As ingest stores it of an incident that names no sensors."""
        if incident.lon is None or incident.lat is None:
            return []
        self._on_the_map = self._on_the_map or Sensors(self._measured.values())
        return self._on_the_map.at((incident.lon, incident.lat), incident.road, incident.direction)

    def of_incident(self, item: IncidentItem) -> Place:
        return Place((slug(item.area),), item.lon, item.lat, tuple(item.sensors))

    def of_alert(self, item: AlertItem) -> Place:
        """Its areas, or those of its sensors, and the point of the first of these that has one."""
        sensors = item.sensors or [item.subject]
        places = [self.of_sensor(sensor) for sensor in sensors]
        areas = [slug(area) for area in item.areas] or [area for place in places for area in place.areas]
        lon, lat = next(((place.lon, place.lat) for place in places if place.lon is not None), (None, None))
        return Place(tuple(areas), lon, lat, tuple(sensors))


async def load(hub: Hub, places: Places, database: Database, now: float) -> None:
    """The newest state of each topic, where the database knows more than was read from Kafka."""
    traffic = hub.topics[items.TRAFFIC]
    for row in await database.rows(TRAFFIC.select()):
        traffic.put(TrafficItem(**row), places.of_sensor(row["sensor"]), now)
    predictions = hub.topics[items.PREDICTIONS]
    for row in await database.rows(newest_predictions(PREDICTION.select())):
        predictions.put(PredictionItem(**row), places.of_sensor(row["sensor"]), now)
    known = hub.topics[items.INCIDENTS]
    for incident in await _incidents(database):
        known.put(incident, places.of_incident(incident), now)
    alerting = hub.topics[items.ALERTS]
    open_here = [key for key, change in alerting.items.items() if not items.has_ended(change.item)]
    for alert in await _alerts(database, open_here):
        alerting.put(alert, places.of_alert(alert), now)


async def _incidents(database: Database) -> list[IncidentItem]:
    told = [incidents.c[name] for name in IncidentItem.__struct_fields__]
    statement = select(*told).where(active_or_cleared(items.ENDED_SHOWN)).order_by(incidents.c.started_at.desc())
    rows: Any = await database.rows(statement.limit(items.MOST_INCIDENTS))
    return [IncidentItem(**row) for row in reversed(rows)]


async def _alerts(database: Database, open_here: list[str]) -> list[AlertItem]:
    """Those that are open, that ended no longer ago than is shown, or that were open when last heard of."""
    ended = alerts.c.resolved_at > func.now() - items.ENDED_SHOWN
    wanted = or_(alerts.c.state != "resolved", ended, alerts.c.id.in_(open_here))
    newest = select(alerts).where(wanted).order_by(alerts.c.started_at.desc()).limit(items.MOST_ALERTS)
    rows: Any = await database.rows(newest)
    return [alert_item(alert_event(row)) for row in reversed(rows)]
