"""`/api/v1/audit`: for administrators."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from api.deps import DatabaseDep
from api.http.answering import Listing, answer_list
from api.http.asking import AskedDep
from api.http.describing import lists
from api.http.shapes import shape, told
from api.http.times import WeekDep
from api.resources.filters import NO_NUL
from schema.tables import audit_log

router = APIRouter(prefix="/audit", tags=["access"])

ROW: Final = shape("AuditRow", "A write that was asked of the API", [told(column) for column in audit_log.c])

Name = Annotated[str | None, Query(max_length=200, pattern=NO_NUL, description="of the key, or a token's subject")]
Action = Annotated[str | None, Query(max_length=100, pattern=NO_NUL, examples=["push_readings"])]


@router.get("", **lists(ROW))
async def list_audit(
    asked: AskedDep, database: DatabaseDep, span: WeekDep, name: Name = None, action: Action = None
) -> Response:
    """Who wrote what in the span, newest first."""
    statement = ROW.select().where(audit_log.c.time >= span.start, audit_log.c.time < span.end)
    if name is not None:
        statement = statement.where(audit_log.c.name == name)
    if action is not None:
        statement = statement.where(audit_log.c.action == action)
    return await answer_list(asked, database, Listing(ROW, statement, (audit_log.c.id,), descending=True))
