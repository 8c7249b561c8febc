"""What `urbanclear grafana apply` prints: a line for each thing, below it what changes, at the end how many."""

import difflib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import yaml
from rich.console import Console

from grafana.applying.change import Change, Document, What

COLOURS: Final = {
    What.NEW: "green",
    What.CHANGED: "yellow",
    What.REMOVED: "red",
    What.LEFT: "magenta",
    What.OBSOLETE: "magenta",
}
WIDTH: Final = 9


def show(console: Console, changes: Sequence[Change], answers: dict[str, str | None], *, dry_run: bool) -> None:
    """For people. `answers` has, of each data source, why it does not answer, or None."""
    for change in changes:
        why = f": {change.why}" if change.why else ""
        line = f"{change.what:{WIDTH}}{change.kind} {change.name}{why}"
        console.print(line, style=COLOURS.get(change.what, "dim"), markup=False, highlight=False)
        for text in difference(change):
            style = {"+": "green", "-": "red"}.get(text[0], "dim")
            console.print(" " * WIDTH + text, style=style, markup=False, highlight=False)
    for name, trouble in answers.items():
        if trouble is not None:
            console.print(f"data source {name} does not answer: {trouble}", style="yellow", markup=False)
    console.print(_total(changes, dry_run), highlight=False)


def as_json(changes: Sequence[Change], answers: dict[str, str | None], *, dry_run: bool) -> str:
    """For programs."""
    document = {
        "dry_run": dry_run,
        "counts": dict(Counter(str(change.what) for change in changes)),
        "changes": [_described(change) for change in changes],
        "data_sources": {name: {"answers": why is None, "why": why} for name, why in answers.items()},
    }
    return json.dumps(document, indent=2)


def difference(change: Change) -> Iterator[str]:
    """Lines of a unified diff, of what changes and is there already."""
    if change.what is What.CHANGED:
        before, after = _lines(change.before), _lines(change.after)
        yield from list(difflib.unified_diff(before, after, lineterm="", n=1))[2:]


def _lines(document: Document | None) -> list[str]:
    text: str = yaml.safe_dump(document or {}, sort_keys=True, allow_unicode=True, width=100)
    return text.splitlines()


def _described(change: Change) -> dict[str, Any]:
    described: dict[str, Any] = {"what": change.what, "kind": change.kind, "name": change.name}
    if change.why:
        described["why"] = change.why
    if lines := list(difference(change)):
        described["difference"] = lines
    return described


def _total(changes: Sequence[Change], dry_run: bool) -> str:
    written = sum(change.write is not None for change in changes)
    if obsolete := sum(change.what is What.OBSOLETE for change in changes):
        done = f"{written} of {len(changes)} {'would be' if dry_run else 'were'} written"
        return f"{done}; {obsolete} are no longer meant: `urbanclear grafana apply --prune` would remove them."
    if written == 0:
        return "Nothing to change: Grafana has it all as it is meant."
    return f"{written} of {len(changes)} {'would be' if dry_run else 'were'} written."
