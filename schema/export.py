"""The JSON Schemas of all events, as files under `schema/events/` for producers in other languages."""

import json
from pathlib import Path

import msgspec

from schema.events import ALL, Event

FOLDER = Path(__file__).parent / "events"


def documents() -> dict[str, str]:
    """File name to JSON Schema (draft 2020-12), one an event."""
    return {f"{kind.__name__.lower()}.json": _document(kind) for kind in ALL}


def export(folder: Path = FOLDER) -> list[Path]:
    """Write the documents to `folder`; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text)
    return [folder / name for name in documents()]


def _document(kind: type[Event]) -> str:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(kind)}
    return json.dumps(schema, indent=2) + "\n"
