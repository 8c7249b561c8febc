"""`/api/v1/runs`: what the batch jobs did, as `urbanclear spark runs` lists it."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Response

from api.deps import DatabaseDep
from api.http.answering import LIVE, Listing, answer_list, answer_one
from api.http.asking import AskedDep, AskedOneDep
from api.http.describing import lists, tells
from api.http.shapes import shape, told
from api.resources.filters import NO_NUL
from schema.tables import spark_runs

router = APIRouter(prefix="/runs", tags=["runs"])

RUN: Final = shape(
    "Run",
    "A run of a batch job",
    [
        told(spark_runs.c.id, "id", "the job, and letters of the run's own", "patterns-0a1b2c3d4e5f"),
        *[told(spark_runs.c[name]) for name in ("job", "status", "started_at", "ended_at")],
        told(spark_runs.c.span_start, "span_start", "of the readings", "2026-03-02T05:00:00Z"),
        told(spark_runs.c.span_end, "span_end", "just after the last of the readings", "2026-03-30T04:00:00Z"),
        *[told(spark_runs.c[name]) for name in ("rows_in", "rows_out")],
        told(spark_runs.c.seconds, "seconds", "that it took, by stage", {"Reading": 12.4, "Profiles": 3.1}),
        *[told(spark_runs.c[name]) for name in ("parameters", "code_version", "error")],
    ],
)
MISSING: Final = "There is no such run"

Job = Annotated[str | None, Query(max_length=100, pattern=NO_NUL, description="one job alone", examples=["patterns"])]
RunStatus = Annotated[Literal["running", "succeeded", "failed"] | None, Query(description="how it stands")]
Id = Annotated[str, Path(max_length=200, pattern=NO_NUL, examples=["patterns-0a1b2c3d4e5f"])]


@router.get("", **lists(RUN))
async def list_runs(asked: AskedDep, database: DatabaseDep, job: Job = None, status: RunStatus = None) -> Response:
    """Runs of the batch jobs, newest first: what each was about, how much it read and wrote, how long it took, why it
    failed."""
    statement = RUN.select()
    if job is not None:
        statement = statement.where(spark_runs.c.job == job)
    if status is not None:
        statement = statement.where(spark_runs.c.status == status)
    key = (spark_runs.c.started_at, spark_runs.c.id)
    return await answer_list(asked, database, Listing(RUN, statement, key, descending=True, cache=LIVE))


@router.get("/{id}", **tells(RUN, missing=MISSING))
async def one_run(asked: AskedOneDep, database: DatabaseDep, id: Id) -> Response:  # noqa: A002
    """One run."""
    statement = RUN.select().where(spark_runs.c.id == id)
    missing = f"There is no run {id}: see /api/v1/runs for those there are."
    return await answer_one(asked, database, Listing(RUN, statement, ()), missing)
