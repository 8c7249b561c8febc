"""The OpenAPI 3.1 document, completed with what routes cannot say."""

from collections.abc import Iterable
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from api.http.describing import PROBLEMS
from urbanclear import __version__

_ABOUT: Final = """Open-source analytics for a city's traffic.

Lists come in pages: `next` is the `cursor` of the page after. `Accept` chooses JSON, CSV, Parquet or Arrow. Times
are RFC 3339 with an offset, or relative (`-24h`). Errors are problem details (RFC 9457)."""

_TAGS: Final = {
    "sensors": "Where traffic is measured",
    "traffic": "Now",
    "history": "How it was, and against what it was before",
    "corridors": "Roads from end to end",
    "measures": "What is computed of each day",
    "incidents": "What is in the way of traffic",
    "alerts": "What is wrong, what people do about it, and who is told of what",
    "predictions": "What is expected",
    "patterns": "What is normal, and what is not",
    "weather": "What stations observed",
    "export": "Whole relations",
    "readings": "Pushing what was measured",
    "graphql": "Sensors with all that belongs to them, in one round trip",
    "live": "What changes, as it changes; see also `/asyncapi.json`",
    "access": "For administrators: keys, and what was written",
    "system": "For those who run it",
}


def document_of(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title="Urbanclear",
            version=__version__,
            summary="A city's traffic: now, before, and as expected",
            description=_ABOUT,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
            tags=[{"name": name, "description": text} for name, text in _TAGS.items()],
            routes=app.routes,
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(_schemas(PROBLEMS))
        app.openapi_schema = document
    return app.openapi_schema


def _schemas(models: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """Each model's schema under its name, and those it refers to."""
    found: dict[str, Any] = {}
    for model in models:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        found.update(schema.pop("$defs", {}))
        found[model.__name__] = schema
    return found
