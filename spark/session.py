"""A Spark session: the machine's Java, this Python, the libraries, UTC, and on one machine nothing but loopback."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from pyspark.sql import SparkSession

from urbanclear.embedded.jars import locked, resolve
from urbanclear.embedded.java import find_java
from urbanclear.errors import ConfigurationError
from urbanclear.hosts import is_loopback
from urbanclear.settings import LOOPBACK, Settings

LOCAL = "local"
MASTERS = (LOCAL, "spark://", "k8s://", "yarn")


@contextmanager
def spark_session(settings: Settings, job: str, master: str | None = None) -> Iterator[SparkSession]:
    """A session for one job, stopped on leaving, on `master` or else on that of the settings.

    Raises `ConfigurationError`, `JavaNotFound` or `JarsUnavailable`.
    """
    master = master or settings.spark_master
    if not master.startswith(MASTERS):
        raise ConfigurationError(f"{master!r} is no Spark master: say local[*], spark://HOST:PORT or k8s://….")
    os.environ["JAVA_HOME"] = str(find_java().home)
    if _is_on_this_machine(master):
        os.environ["PYSPARK_PYTHON"] = sys.executable
    else:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # that of the workers, which may have another path
    folder = resolve("spark", settings)
    jars = ",".join(str(folder / jar.file) for jar in locked("spark"))  # a given folder may hold others too
    builder = SparkSession.builder.appName(f"urbanclear {job}").master(master)
    for key, value in _configuration(master).items():
        builder = builder.config(key, value)
    session = builder.config("spark.jars", jars).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield session
    finally:
        session.stop()


def _configuration(master: str) -> dict[str, str]:
    common = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.driver.memory": "2g",
    }
    local = {"spark.driver.bindAddress": LOOPBACK, "spark.driver.host": LOOPBACK}
    return {**common, **local} if _is_on_this_machine(master) else common


def _is_on_this_machine(master: str) -> bool:
    return master.startswith(LOCAL) or is_loopback(urlsplit(master).hostname or "")
