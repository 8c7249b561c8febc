"""The simulated city as a pure function: the same seed and the same time give the same readings.

So the simulator needs no memory: it may stop anywhere and go on anywhere else, and what it says twice is the same.

    demand ÷ capacity (less incidents, scenarios, weather) ─► queues ─► speed, flow ─► failures, noise ─► readings
                      └► the same without those ─► what is undisturbed
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np

from ingest.sources.simulator import network, physics, sensors, weather
from ingest.sources.simulator.day import HAPPENED, Day, Roads, State, day_of, steps_of
from ingest.sources.simulator.demand import Demand
from ingest.sources.simulator.failures import FailureModel
from ingest.sources.simulator.incidents import Incidents
from ingest.sources.simulator.influence import Pressure, pressure
from ingest.sources.simulator.observation import Measures, Observation
from ingest.sources.simulator.randomness import Purpose, normals
from ingest.sources.simulator.scenarios.scenario import Scenario
from ingest.sources.simulator.vectors import Vector
from schema.events import Incident, Reading, Sensor, Weather

SPEED_NOISE: Final = 0.03
FLOW_NOISE: Final = 0.05
STUCK_FLOW: Final = 0.5  # of capacity
FRONT: Final = 10.0  # a queue's end lies within a tenth of the link
WEATHER_EVERY: Final = 10  # steps; in between it passes smoothly
ALL: Final = slice(None)


class Simulator:
    """New York under `seed`, watched by `count` sensors (None: one a link), with `scenarios` staged."""

    def __init__(self, seed: int = 1, count: int | None = None, scenarios: Sequence[Scenario] = ()) -> None:
        self.links = network.load()
        self._watched = sensors.watch(self.links, count, seed)
        self.sensors: list[Sensor] = list(self._watched.described)
        self._seed = seed
        self._scenarios = scenarios
        self._roads = Roads(self.links)
        self._demand = Demand(seed, self.links)
        self._incidents = Incidents(seed, self.links, self._demand)
        self._weather = weather.WeatherModel(seed)
        self._failures = FailureModel(seed, self._watched.number)
        self._day = lru_cache(maxsize=2)(self._run_day)
        self._ids = np.array([sensor.external_id for sensor in self.sensors], dtype=object)
        lanes = np.array([link.lanes for link in self.links])
        lane_vph = np.array([link.capacity_vph for link in self.links]) / lanes
        self._capacity_vph = lane_vph[self._watched.link] * self._watched.lanes

    def readings(self, time: datetime) -> list[Reading]:
        """What all sensors that work report at `time`."""
        return self.observe(time).readings()

    def truth(self, time: datetime) -> Observation:
        """What all sensors see at `time`, what they would see undisturbed, and why the two differ."""
        return self.observe(time)

    def observe(self, time: datetime, which: slice = ALL, averaged: float = 1.0) -> Observation:
        """What the sensors that `which` picks see at `time` (aware), each reading the mean of `averaged` of them."""
        state = self._day(day_of(time.timestamp())).at(time.timestamp())
        sky = self.weather(time)
        undisturbed, happened = self._measures(state, weather.effect(sky).speed, which)
        failures = self._failures.at(time)
        stuck_at = failures.stuck_at[which]
        return Observation(
            time=time,
            sensors=self._ids[which],
            length_m=self._watched.length_m[which],
            lanes=self._watched.lanes[which],
            told=self._noisy(happened, time, stuck_at, which, averaged),
            happened=happened,
            undisturbed=undisturbed,
            silent=failures.silent[which],
            stuck=~np.isnan(stuck_at),
            cause=state.cause[self._watched.link[which]],
            causes=state.causes,
            precipitation_mm=sky.precipitation_mm or 0.0,
        )

    def incident_events(self, start: datetime, end: datetime) -> list[Incident]:
        """The incidents' and scenarios' changes of state after `start` and up to `end`, in order of time."""
        told = self._incidents.events(start, end)
        told += [event for scenario in self._scenarios for event in scenario.events(start, end)]
        return sorted(told, key=lambda event: (event.time, event.id))

    def going_on(self, time: datetime) -> set[str]:
        """The ids of the incidents and scenarios whose end is still to be told after `time`."""
        moment = timedelta(seconds=1)
        found = {happening.id for happening in self._incidents.during(time, time + moment)}
        begins = (
            (scenario, begin) for scenario in self._scenarios for begin in scenario.occurrences(time, time + moment)
        )
        return found | {scenario.id(begin) for scenario, begin in begins}

    def weather(self, time: datetime) -> Weather:
        """What the station observes at `time`."""
        observed = self._weather.at(time)
        for scenario in self._scenarios:
            observed = scenario.upon(observed)
        return observed

    def _measures(self, state: State, weather_speed: float, which: slice) -> tuple[Measures, Measures]:
        """Speed and flow without noise, undisturbed and as it happens."""
        link, position = self._watched.link[which], self._watched.position[which]
        demand, capacity, queue = (values[:, link] for values in (state.demand, state.capacity, state.queue))
        filled = physics.filled(queue, capacity)
        free, queued = physics.free_ratio(demand, capacity), physics.queued_ratio(capacity)
        covered = np.where(np.isnan(position), filled, np.clip((filled + position - 1) * FRONT, 0.0, 1.0))
        ratio = 1 / ((1 - covered) / free + covered / queued)
        ratio[HAPPENED] *= weather_speed
        flow = np.minimum(demand, 1.0) * (1 - covered) + capacity * covered
        speed = np.maximum(ratio * self._watched.free_flow_kmh[which], physics.LEAST_SPEED_KMH)
        volume = flow * self._capacity_vph[which]
        return Measures(speed[0], volume[0]), Measures(speed[1], volume[1])

    def _noisy(self, measures: Measures, time: datetime, stuck_at: Vector, which: slice, averaged: float) -> Measures:
        """As the sensors tell it, rounded; a mean of `averaged` readings has the noise of one, over its root."""
        moment = int(time.timestamp() * 1000)
        noise = normals(self._seed, Purpose.NOISE, self._watched.number[which], moment)
        first, second = (values / math.sqrt(averaged) for values in noise)
        speed = np.maximum(measures.speed_kmh * (1 + SPEED_NOISE * first), physics.LEAST_SPEED_KMH)
        flow = measures.volume_vph * np.maximum(1 + FLOW_NOISE * second, 0.0)
        stuck = ~np.isnan(stuck_at)
        speed = np.where(stuck, stuck_at * self._watched.free_flow_kmh[which], speed)
        flow = np.where(stuck, STUCK_FLOW * self._capacity_vph[which], flow)
        return Measures(speed.round(1), flow.round())

    def _run_day(self, day: int) -> Day:
        steps = steps_of(day)
        usual = np.broadcast_to(self._demand.usual_capacity, (len(steps), len(self.links)))
        demand = self._demand.at(steps)
        pressed = self._pressure(steps)
        capacity = usual * pressed.capacity * self._weather_capacity(steps)[:, None]
        wanted = np.stack([demand, demand * pressed.demand])
        return self._roads.day(steps, wanted, np.stack([usual, capacity]), pressed)

    def _pressure(self, steps: Vector) -> Pressure:
        begin, end = (datetime.fromtimestamp(float(steps[at]), UTC) for at in (0, -1))
        found = self._incidents.influences(begin, end)
        found += [one for scenario in self._scenarios for one in scenario.influences(begin, end)]
        return pressure(found, steps, len(self.links))

    def _weather_capacity(self, steps: Vector) -> Vector:
        knots = np.append(steps[::WEATHER_EVERY], steps[-1])
        times = [datetime.fromtimestamp(knot, UTC) for knot in knots.tolist()]
        return np.interp(steps, knots, [weather.effect(self.weather(time)).capacity for time in times])
