"""What routes have in common in OpenAPI: the forms of their answers, and the errors each may give."""

from typing import Any, Final

from pydantic import BaseModel, Field, create_model

from api.http.asking import Form
from api.http.problems import MEDIA_TYPE, Problem
from api.http.shapes import Shape

Responses = dict[int | str, dict[str, Any]]
_NOT_MODIFIED: Final = {"description": "As it was when its `ETag`, sent as `If-None-Match`, was given"}
_ETAG: Final = {"ETag": {"description": "for `If-None-Match`", "schema": {"type": "string"}}}
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}


#: Models of errors, which no route names as its answer.
PROBLEMS: Final[list[type[Problem]]] = [Problem]


def problem(description: str, model: type[Problem] = Problem) -> dict[str, Any]:
    """An error's place in `responses`."""
    if model not in PROBLEMS:
        PROBLEMS.append(model)
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


#: Every operation may give these.
COMMON: Final[Responses] = {
    401: problem("No key where one is needed, or one that is wrong, revoked or expired"),
    403: problem("A key without the scope that is needed"),
    422: problem("A parameter that does not fit; `detail` says which, and what to say instead"),
    421: problem("The request's `Host` is no name of this API"),
    429: problem("Too many requests, or too many wrong keys: wait `Retry-After` seconds"),
    503: problem("The database or Kafka does not answer, or takes too long: try again after `Retry-After` seconds"),
}


_pages: dict[Shape, type[BaseModel]] = {}


def page_of(shape: Shape, **extra: tuple[Any, Any]) -> type[BaseModel]:
    """A page of rows, in an object so that it can grow; the same class whenever asked for the same shape."""
    if shape not in _pages:
        fields: dict[str, Any] = {
            "items": (list[shape.model], ...),  # type: ignore[name-defined]
            "next": (str | None, Field(None, description="`cursor` of the page after; null on the last")),
            **extra,
        }
        about = f"A page: {shape.description[0].lower()}{shape.description[1:]}"
        _pages[shape] = create_model(f"{shape.name}Page", __doc__=about, **fields)
    return _pages[shape]


def lists(shape: Shape, *others: Form, missing: str = "", **extra: tuple[Any, Any]) -> dict[str, Any]:
    """What a route that lists `shape` is declared with; `missing`: what 404 means, where it can."""
    forms = {
        Form.CSV.value: {"schema": {"type": "string"}},
        Form.PARQUET.value: _BINARY,
        Form.ARROW.value: _BINARY,
        **{form.value: {"schema": {"type": "object"}} for form in others},
    }
    return {
        "response_model": page_of(shape, **extra),
        "responses": {
            200: {"content": forms, "headers": _ETAG, "description": shape.description},
            304: _NOT_MODIFIED,
            406: problem("`Accept` names no form there is"),
            **_missing(missing),
        },
    }


def tells(shape: Shape, missing: str = "") -> dict[str, Any]:
    """What a route that answers one row is declared with."""
    return {
        "response_model": shape.model,
        "responses": {
            200: {"headers": _ETAG, "description": shape.description},
            304: _NOT_MODIFIED,
            406: problem("`Accept` does not allow JSON"),
            **_missing(missing),
        },
    }


def _missing(meaning: str) -> Responses:
    return {404: problem(meaning)} if meaning else {}
