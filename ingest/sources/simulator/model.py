"""The simulated city as a pure function: the same seed and the same time give the same readings.

So the simulator needs no memory: it may stop anywhere and go on anywhere else, and what it says twice is the same.

    demand ÷ capacity (less incidents, weather) ─► speed ─► spillback ─► flow, occupancy ─► failures, noise
"""

from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np

from ingest.sources.simulator import network, physics
from ingest.sources.simulator.demand import Demand, Vector
from ingest.sources.simulator.failures import FailureModel
from ingest.sources.simulator.incidents import Incidents
from ingest.sources.simulator.randomness import Purpose, generator
from ingest.sources.simulator.weather import WeatherModel
from schema.events import Incident, Reading, Sensor, Weather

SPEED_NOISE = 0.03
FLOW_NOISE = 0.05


class Simulator:
    """New York under `seed`."""

    def __init__(self, seed: int = 1) -> None:
        self.links = network.load()
        self.sensors: list[Sensor] = [link.sensor() for link in self.links]
        self._seed = seed
        self._after = physics.following(network.downstream(self.links))
        self._demand = Demand(seed, self.links)
        self._incidents = Incidents(seed, self.links)
        self._weather = WeatherModel(seed)
        self._failures = FailureModel(seed, len(self.links))
        self._own_ratio_at = lru_cache(maxsize=64)(self._own_ratio)
        self._ids = [link.external_id for link in self.links]
        self._length_m = np.array([link.length_m for link in self.links])
        self._free_flow_kmh = np.array([link.free_flow_speed_kmh for link in self.links])
        self._capacity_vph = np.array([link.capacity_vph for link in self.links])
        self._lanes = np.array([float(link.lanes) for link in self.links])

    def readings(self, time: datetime) -> list[Reading]:
        """What all sensors that work report at `time` (aware, on a whole second)."""
        failures = self._failures.at(time)
        ratio, demand = self._ratio(time), self._demand.at(time)
        noise = generator(self._seed, Purpose.NOISE, int(time.timestamp())).normal(size=(2, len(self.links)))
        speed = ratio * self._free_flow_kmh * (1 + SPEED_NOISE * noise[0])
        stuck = ~np.isnan(failures.stuck_at)
        speed = np.where(stuck, failures.stuck_at * self._free_flow_kmh, np.maximum(speed, 2.0)).round(1)
        flow = physics.flow_vph(ratio, demand, self._capacity_vph) * np.maximum(1 + FLOW_NOISE * noise[1], 0.0)
        flow = np.where(stuck, 0.5 * self._capacity_vph, flow).round()
        covered = physics.occupancy(flow, speed, self._lanes).round(3)
        seconds = (self._length_m / (speed / 3.6)).round(1)
        columns = zip(
            self._ids, speed.tolist(), flow.tolist(), covered.tolist(), seconds.tolist(), failures.silent, strict=True
        )
        return [
            Reading(sensor=name, time=time, speed_kmh=kmh, volume_vph=vph, occupancy=share, travel_time_s=s)
            for name, kmh, vph, share, s, silent in columns
            if not silent
        ]

    def incident_events(self, start: datetime, end: datetime) -> list[Incident]:
        """The incidents' changes of state after `start` and up to `end`, in order of time."""
        return self._incidents.events(start, end)

    def weather(self, time: datetime) -> Weather:
        """What the station observes at `time`."""
        return self._weather.at(time)

    def _ratio(self, time: datetime) -> Vector:
        """Speed over free-flow speed of every link, before noise."""
        step = timedelta(minutes=physics.MINUTES_PER_HOP)
        own = [1 - self._own_ratio_at(time - hop * step) for hop in range(physics.HOPS + 1)]
        return (1 - physics.with_spillback(own, self._after)) * self._weather.effect(time).speed

    def _own_ratio(self, time: datetime) -> Vector:
        """The ratio that a link's own demand and capacity give."""
        capacity = np.full(len(self.links), self._weather.effect(time).capacity)
        for link, left in self._incidents.capacity_left(time).items():
            capacity[link] *= left
        return physics.speed_ratio(self._demand.at(time), capacity)
