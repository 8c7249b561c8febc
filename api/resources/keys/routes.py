"""`/api/v1/keys`: for administrators."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Path, Request, Response

from api.access.audit import note
from api.access.store import AWAY
from api.deps import AccessDep, DatabaseDep
from api.http.answering import Listing, answer_list
from api.http.asking import AskedDep
from api.http.describing import lists, problem
from api.http.problems import bad_parameter
from api.http.shapes import shape, told
from api.resources.keys.models import MadeKey, NewKey
from schema.keys import TOLD, check_name, creating, new_key, revoking
from schema.tables import api_keys
from urbanclear.errors import ConfigurationError

router = APIRouter(prefix="/keys", tags=["access"])

KEY: Final = shape("Key", "A key, without the key itself", [told(column) for column in TOLD])


@router.get("", **lists(KEY))
async def list_keys(asked: AskedDep, database: DatabaseDep) -> Response:
    """All keys, those that are revoked or expired too."""
    return await answer_list(asked, database, Listing(KEY, KEY.select(), (api_keys.c.id,)))


@router.post(
    "",
    status_code=201,
    responses={400: problem("The body is no JSON"), 409: problem("A key in use has that name")},
)
async def create_key(wanted: NewKey, access: AccessDep, request: Request, response: Response) -> MadeKey:
    """Make a key. It is told in this answer and never again."""
    try:
        name = check_name(wanted.name)
    except ConfigurationError as error:
        raise bad_parameter("name", str(error)) from None
    expires_at = None if wanted.expires is None else datetime.now(UTC) + wanted.expires
    key = new_key()
    note(request, name, scopes=wanted.scopes)
    made = await access.store.rows(creating(name, key, wanted.scopes, expires_at))
    if not made:
        raise HTTPException(409, f"A key named {name} is in use: revoke it first, or choose another name.")
    response.headers["Cache-Control"] = "no-store"
    [row] = made
    return MadeKey(id=row["id"], key=key, name=name, scopes=row["scopes"], expires_at=expires_at)


@router.delete("/{id}", status_code=204, responses={404: problem("No key in use has that number")})
async def revoke_key(
    id: Annotated[int, Path(ge=1, le=2**31 - 1, examples=[3])],  # noqa: A002
    access: AccessDep,
    request: Request,
) -> None:
    """Refuse a key: here at once, in other processes within `URBANCLEAR_KEYS_REFRESH`."""
    revoked = await access.store.rows(revoking(api_keys.c.id == id))
    note(request, revoked[0]["name"] if revoked else str(id))
    if not revoked:
        raise HTTPException(404, f"No key in use has the number {id}: see /api/v1/keys for those there are.")
    with suppress(*AWAY):  # it is refused soon in any case
        await access.authentication.keys.refresh()
