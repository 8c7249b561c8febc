"""The live line of `urbanclear up`: a few figures, read from the parts' own metrics."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx
from prometheus_client.parser import text_string_to_metric_families

READ_SECONDS = 2.0


@dataclass(frozen=True)
class Figures:
    """What the line says; None where a part does not answer."""

    readings_per_s: float | None
    lag: float | None
    clients: float | None
    history: float | None  # 0 to 1; None without a source

    @property
    def line(self) -> str:
        """The line itself."""
        words = (
            ("{:,.0f} readings/s in", self.readings_per_s),
            ("lag {:,.0f}", self.lag),
            ("{:.0f} clients", self.clients),
        )
        return " · ".join(
            form.format(value) if value is not None else form.format(0).replace("0", "–") for form, value in words
        )


class Watch:
    """Reads the metrics of `metrics_urls` (by part) and of the API."""

    def __init__(self, metrics_urls: Mapping[str, str], api_url: str, key: str) -> None:
        self._urls = {**metrics_urls, "api": f"{api_url}/metrics"}
        headers = {"Authorization": f"Bearer {key}"}
        self._client = httpx.AsyncClient(timeout=READ_SECONDS, trust_env=False, headers=headers)
        self._before: tuple[float, float] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        await self._client.aclose()

    async def figures(self) -> Figures:
        """The figures now; the rate is since the last call."""
        ingest, api, source = [await self._samples(part) for part in ("ingest", "api", "source")]
        stored = ingest.get("urbanclear_ingest_stored_total traffic.readings")
        return Figures(
            readings_per_s=self._rate(stored),
            lag=ingest.get("urbanclear_ingest_lag_messages"),
            clients=api.get("urbanclear_api_websocket_clients"),
            history=source.get("urbanclear_ingest_source_progress_ratio"),
        )

    def _rate(self, total: float | None) -> float | None:
        if total is None:
            self._before = None
            return None
        now, before = time.monotonic(), self._before
        self._before = now, total
        if before is None or total < before[1]:
            return 0.0
        return (total - before[1]) / max(now - before[0], 0.001)

    async def _samples(self, part: str) -> dict[str, float]:
        """Value by name and label values; empty where the part does not answer."""
        url = self._urls.get(part)
        if url is None:
            return {}
        try:
            text = (await self._client.get(url)).text
        except httpx.TransportError:
            return {}
        families = text_string_to_metric_families(text)
        return {
            " ".join([sample.name, *sample.labels.values()]): sample.value
            for family in families
            for sample in family.samples
        }
