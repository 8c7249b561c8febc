"""The benchmark of the stream, small; in it `urbanclear spark stream` runs, and stops, as it does for a user."""

from bench.spark.stream import measure_stream, stream_figure
from urbanclear.settings import Settings


async def test_anomalies_are_found_by_the_stream_and_timed() -> None:
    seconds = await measure_stream(Settings(), 3, lambda _: None)
    assert len(seconds) == 3
    assert 0 < stream_figure([seconds]).value < 60
