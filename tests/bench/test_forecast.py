"""The benchmark of forecasts, on a stack of its own."""

from bench.forecast.measure import Plan, measure


async def test_every_reading_is_in_a_new_prediction_on_the_websocket() -> None:
    said: list[str] = []
    figures = {one.name: one for one in await measure(Plan(sensors=20, rounds=1, model_days=0), None, said.append)}
    assert set(figures) == {"prediction_p50_s", "prediction_p99_s", "forecast_rss_mb"}
    assert figures["prediction_p50_s"].runs == 20
    assert 0 < figures["prediction_p50_s"].value <= figures["prediction_p99_s"].value < 10
    assert 50 < figures["forecast_rss_mb"].value < 300
    assert said == ["an hour of readings first", "round 1 of 1"]
