"""`/api/v1/alert-rules`, `/api/v1/alert-contacts` and `/api/v1/alert-policy`: for administrators to write, for all
to read. Each has a version, which is its `ETag`."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Body, Header, HTTPException, Path, Query, Request, Response
from sqlalchemy import Select, select

from api.access.audit import note
from api.database import Database
from api.deps import AccessDep, ActorDep, DatabaseDep
from api.http.answering import LIVE, Listing, answer_list
from api.http.asking import AskedDep
from api.http.describing import Responses, lists, problem
from api.http.preconditions import IfMatchDep, PreconditionDep, etag_of, named
from api.http.shapes import Shape
from api.resources.alert_definitions.keeping import Keeping, Written, check_name, missing
from api.resources.alert_definitions.shapes import (
    CONTACT,
    CONTACT_EXAMPLE,
    CONTACTS,
    POLICIES,
    POLICY,
    POLICY_EXAMPLE,
    RULE,
    RULE_EXAMPLE,
    RULES,
    VERSION,
)
from api.resources.filters import NO_NUL
from schema.alerting import definitions
from schema.alerting.routing import Contact, Policy
from schema.alerting.rules import Rule
from schema.tables import alert_definitions

router = APIRouter(tags=["alerts"])
changes = APIRouter(tags=["alerts"])

_ETAG: Final = {"ETag": {"description": "its version, for `If-Match`", "schema": {"type": "string"}}}
_CHANGED: Final = "Somebody has changed it since, or there is one already: see `If-Match` and `If-None-Match`"
READS: Final[Responses] = {200: {"headers": _ETAG}, 304: {"description": "It is still at the version of its `ETag`"}}
PUTS: Final[Responses] = {
    200: {"headers": _ETAG},
    201: {"headers": _ETAG, "description": "There was none"},
    400: problem("The body is no JSON"),
    412: problem(_CHANGED),
}
DELETES: Final[Responses] = {404: problem("There is none of that name"), 412: problem(_CHANGED)}

Name = Annotated[
    str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="letters, digits, hyphens", examples=["congestion"])
]
Known = Annotated[str, Header(alias="If-None-Match", include_in_schema=False)]
Enabled = Annotated[bool | None, Query(description="those that are evaluated, or are not")]
KindOf = Annotated[
    str | None, Query(max_length=20, pattern=NO_NUL, description="of its condition", examples=["threshold"])
]

RuleBody = Annotated[Rule, Body(examples=[RULE_EXAMPLE])]
ContactBody = Annotated[Contact, Body(examples=[CONTACT_EXAMPLE])]
PolicyBody = Annotated[Policy, Body(examples=[POLICY_EXAMPLE])]


@router.get("/alert-rules", **lists(RULE))
async def list_alert_rules(
    asked: AskedDep, database: DatabaseDep, enabled: Enabled = None, kind: KindOf = None
) -> Response:
    """All rules, by name."""
    fields = {told.name: told.column for told in RULE.fields}
    statement = RULE.select()
    if enabled is not None:
        statement = statement.where(fields["enabled"] == enabled)
    if kind is not None:
        statement = statement.where(fields["kind"] == kind)
    return await answer_list(asked, database, Listing(RULE, statement, (RULES.c.name,)))


@router.get("/alert-rules/{name}/versions", **lists(VERSION, missing="There never was such a rule"))
async def list_alert_rule_versions(asked: AskedDep, database: DatabaseDep, name: Name) -> Response:
    """All versions of a rule, newest first. To go back to one, PUT its definition."""
    table = alert_definitions.c
    mine = (table.kind == "rule", table.name == name)
    if await database.value(select(table.version).where(*mine).limit(1)) is None:
        raise HTTPException(404, missing("rule", name))
    listing = Listing(VERSION, VERSION.select().where(*mine), (table.version,), descending=True)
    return await answer_list(asked, database, listing)


@router.get(
    "/alert-rules/{name}",
    response_model=RULE.model,
    responses={**READS, 404: problem("There is no such rule")},
)
async def one_alert_rule(database: DatabaseDep, name: Name, known: Known = "") -> Response:
    """One rule."""
    return await _one(database, RULE, RULE.select().where(RULES.c.name == name), known, missing("rule", name))


@changes.put("/alert-rules/{name}", response_model=RULE.model, responses=PUTS)
async def put_alert_rule(
    name: Name, rule: RuleBody, precondition: PreconditionDep, access: AccessDep, actor: ActorDep, request: Request
) -> Response:
    """Make or change a rule. It is evaluated from now on; `If-Match` with its `ETag` keeps what others wrote."""
    check_name(name, rule)
    written = await Keeping(access.store, actor).put("rule", name, rule, precondition)
    return _written(request, written, {"enabled": rule.enabled, "kind": rule.when.kind, "priority": rule.priority})


@changes.delete("/alert-rules/{name}", status_code=204, responses=DELETES)
async def delete_alert_rule(
    name: Name, precondition: IfMatchDep, access: AccessDep, actor: ActorDep, request: Request
) -> None:
    """Watch for it no more. Its versions stay."""
    note(request, name, version=await Keeping(access.store, actor).delete("rule", name, precondition))


@router.get("/alert-contacts", **lists(CONTACT))
async def list_alert_contacts(asked: AskedDep, database: DatabaseDep) -> Response:
    """All contacts, by name. Secrets are named in them, and never told."""
    return await answer_list(asked, database, Listing(CONTACT, CONTACT.select(), (CONTACTS.c.name,)))


@router.get(
    "/alert-contacts/{name}",
    response_model=CONTACT.model,
    responses={**READS, 404: problem("There is no such contact")},
)
async def one_alert_contact(database: DatabaseDep, name: Name, known: Known = "") -> Response:
    """One contact."""
    statement = CONTACT.select().where(CONTACTS.c.name == name)
    return await _one(database, CONTACT, statement, known, missing("contact", name))


@changes.put("/alert-contacts/{name}", response_model=CONTACT.model, responses=PUTS)
async def put_alert_contact(
    name: Name,
    contact: ContactBody,
    precondition: PreconditionDep,
    access: AccessDep,
    actor: ActorDep,
    request: Request,
) -> Response:
    """Make or change a contact."""
    check_name(name, contact)
    return _written(request, await Keeping(access.store, actor).put("contact", name, contact, precondition))


@changes.delete(
    "/alert-contacts/{name}",
    status_code=204,
    responses={**DELETES, 409: problem("Routes of the policy name it")},
)
async def delete_alert_contact(
    name: Name, precondition: IfMatchDep, access: AccessDep, actor: ActorDep, request: Request
) -> None:
    """Delete a contact that no route names."""
    note(request, name, version=await Keeping(access.store, actor).delete("contact", name, precondition))


@router.get(
    "/alert-policy",
    response_model=POLICY.model,
    responses={**READS, 404: problem("None has been written yet")},
)
async def one_alert_policy(database: DatabaseDep, known: Known = "") -> Response:
    """The policy: routes in their order, and inhibitions."""
    statement = POLICY.select().where(POLICIES.c.name == definitions.POLICY)
    return await _one(database, POLICY, statement, known, missing("policy", definitions.POLICY))


@changes.put("/alert-policy", response_model=POLICY.model, responses=PUTS)
async def put_alert_policy(
    policy: PolicyBody, precondition: PreconditionDep, access: AccessDep, actor: ActorDep, request: Request
) -> Response:
    """Write the policy. All contacts that its routes name have to exist."""
    written = await Keeping(access.store, actor).put("policy", definitions.POLICY, policy, precondition)
    return _written(request, written)


async def _one(database: Database, shape: Shape, statement: Select[Any], known: str, missing: str) -> Response:
    rows = await database.rows(statement)
    if not rows:
        raise HTTPException(404, missing)
    headers = {"ETag": etag_of(rows[0]["version"]), "Cache-Control": LIVE}
    if known and named(known, rows[0]["version"]):
        return Response(status_code=304, headers=headers)
    return _json({told.name: rows[0][told.name] for told in shape.fields}, headers)


def _written(request: Request, written: Written, more: Mapping[str, Any] | None = None) -> Response:
    """The version that counts now."""
    row = written.row
    note(request, row["name"], version=row["version"], changed=written.is_changed)
    fields = ("name", "version", "definition", "origin", "changed_at", "changed_by")
    content = {**{name: row[name] for name in fields}, **(more or {})}
    return _json(content, {"ETag": etag_of(row["version"])}, 201 if written.is_new else 200)


def _json(content: Mapping[str, Any], headers: Mapping[str, str], status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, dict(headers), "application/json")
