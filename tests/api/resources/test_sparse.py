"""What REST answers where there is little or nothing to tell, in every form."""

import httpx
import pytest

from tests.api.resources.conftest import NOON, minutes
from tests.schema.city import City


async def test_a_sensor_that_never_sent_a_reading_has_no_pattern(api: httpx.AsyncClient, city: City) -> None:
    await city.sensor("new")
    answer = await api.get("/sensors/t:new/pattern")
    assert (answer.status_code, answer.json()["items"]) == (200, [])


@pytest.mark.parametrize(
    "form", ["text/csv", "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"]
)
async def test_predictions_come_in_every_form(api: httpx.AsyncClient, city: City, form: str) -> None:
    await city.chunks("predictions", at=NOON)
    [row] = await city.rows("SELECT id FROM sensors WHERE external_id = 't:side'")
    made = "INSERT INTO predictions VALUES (%s, %s, %s, 44, 39, 49, 'm1')"
    await city.connection.execute(made, [row["id"], NOON + minutes(15), NOON])
    answer = await api.get("/predictions", headers={"Accept": form})
    assert answer.status_code == 200
    assert form != "text/csv" or '"t:side"' in answer.text
