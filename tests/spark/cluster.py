"""A standalone Spark cluster on loopback: a master and two workers, by the launcher that comes with Spark."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pyspark

from urbanclear.embedded.java import find_java
from urbanclear.embedded.ports import choose
from urbanclear.settings import LOOPBACK

WORKERS: Final = 2
START_SECONDS: Final = 60.0


@contextmanager
def standalone_cluster(folder: Path) -> Iterator[str]:
    """Its address for `--master`, once all workers, of 1 core and 1 GB each, are there."""
    port, page = choose(2, [])
    master = f"spark://{LOOPBACK}:{port}"
    with ExitStack() as daemons:
        own = ["--host", LOOPBACK, "--port", str(port), "--webui-port", str(page)]
        log = daemons.enter_context(_daemon(folder / "master", "master.Master", *own))
        for number in range(WORKERS):
            place = folder / f"worker-{number}"
            size = ["--host", LOOPBACK, "--webui-port", "0", "--cores", "1", "--memory", "1g"]
            daemons.enter_context(_daemon(place, "worker.Worker", *size, "--work-dir", str(place), master))
        _wait_for_workers(log)
        yield master


@contextmanager
def _daemon(place: Path, name: str, *arguments: str) -> Iterator[Path]:
    """A process of the cluster, and its log."""
    place.mkdir(parents=True)
    home = Path(pyspark.__file__).parent
    command = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}", *arguments]
    env = {
        **os.environ,
        "JAVA_HOME": str(find_java().home),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_HOME": str(home),
        "SPARK_DAEMON_MEMORY": "256m",
        "JDK_JAVA_OPTIONS": os.environ["SPARK_SUBMIT_OPTS"],  # for executors too, which inherit it
    }
    log = place / "daemon.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=env, stdout=out, stderr=out, cwd=place)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(20)


def _wait_for_workers(log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while log.read_text().count("Registering worker") < WORKERS:
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)
