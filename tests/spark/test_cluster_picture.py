"""The picture of clusters that are stored, by what is in the file."""

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from defusedxml.ElementTree import fromstring
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from spark.cli import app
from spark.clusters.picture import draw
from spark.jobs import run_jobs
from spark.spans import Span
from tests.spark.shapes import DAYS, MIDNIGHT, OF_EACH, SLOW_HOUR
from urbanclear.errors import ConfigurationError
from urbanclear.settings import Settings


@pytest.fixture
def server_url(embedded_postgres: str) -> str:
    """One engine is enough: clusters are tested on both."""
    return embedded_postgres


def test_each_cluster_has_a_panel_with_its_name_and_its_most_typical_sensor(
    session: SparkSession, city: str, settings: Settings, tmp_path: Path
) -> None:
    run_jobs(session, settings, {"clusters": {}}, Span(MIDNIGHT, MIDNIGHT + timedelta(days=DAYS)), lambda _: None)
    with psycopg.connect(city) as connection:
        connection.execute("UPDATE sensors SET name = 'Rue de ' || external_id || ' <A & B>'")
        medoids = connection.execute(
            "SELECT sensors.name FROM sensors JOIN cluster_shapes ON id = medoid_sensor_id"
        ).fetchall()
    file = tmp_path / "clusters.svg"
    draw(city, file)
    drawn = fromstring(file.read_text())
    written = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {f"{name}: {OF_EACH} sensors" for name in SLOW_HOUR} <= {*written}
    assert {name for (name,) in medoids} <= {*written}
    assert written.count("Mon") == len(SLOW_HOUR)
    title = drawn.find(".//{http://purl.org/dc/elements/1.1/}title")
    assert title is not None
    assert title.text is not None
    assert title.text.startswith("Mean weeks of 4 clusters.")
    for name, begins in {"a.png": b"\x89PNG", "b.pdf": b"%PDF"}.items():
        draw(city, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(begins)
    with pytest.raises(ConfigurationError, match=r"cannot be written .* say another --picture"):
        draw(city, tmp_path / "nowhere" / "clusters.png")


def test_a_picture_in_another_form_is_a_sentence_before_spark_starts() -> None:
    done = CliRunner().invoke(app, ["clusters", "--picture", "week.gif", "--master", "spark://nowhere.invalid:1"])
    assert isinstance(done.exception, ConfigurationError)
    assert "let its name end with .png, .svg, .pdf" in str(done.exception)
