"""The benchmark of the live bridge, small."""

from bench.websocket.measure import Plan, measure
from urbanclear.settings import Settings


async def test_every_figure_of_the_live_bridge_is_measured() -> None:
    figures = {one.name: one for one in await measure(Settings(), Plan(50, 2, 1), lambda _: None)}
    assert list(figures) == [
        "ws_clients_held",
        "ws_p99_ms_1000",
        "ws_p99_ms_50",
        "ws_kb_per_idle_client",
        "ws_slow_client_ratio",
        "ws_messages_per_s",
    ]
    assert figures["ws_clients_held"].value == 50
    assert all(one.value > 0 for one in figures.values())
    assert figures["ws_messages_per_s"].ratio is not None
