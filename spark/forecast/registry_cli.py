"""`urbanclear forecast models`, `promote` and `rollback`."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from spark.options import AsJson
from urbanclear.settings import get_settings

if TYPE_CHECKING:
    from spark.forecast.registry import Entry

Name = Annotated[str, typer.Argument(help="of the model, as `urbanclear forecast models` lists it")]
Force = Annotated[bool, typer.Option("--force", help="also where it is not shown to be better; this is noted")]


def models(as_json: AsJson = False) -> None:
    """List the models, the newest first, and which one is in place."""
    from spark.forecast.registry import Registry

    with Registry.of(get_settings()) as registry:
        found = registry.list()
    if as_json:
        typer.echo(json.dumps([entry.record() for entry in found], indent=2))
        return
    if not found:
        typer.echo("There are no models yet: train one with `urbanclear forecast train`.")
        return
    dated = (Column(name, min_width=len("2026-11-29")) for name in ("trained", "from readings of", "held-out week"))
    table = Table(Column("model", no_wrap=True), "state", *dated, "MAE, km/h", pad_edge=False)
    for entry in found:
        span = f"{entry.data_from:%Y-%m-%d} to {entry.data_to:%Y-%m-%d}"
        table.add_row(entry.name, entry.state, f"{entry.trained_at:%Y-%m-%d %H:%M}", span, *_newest_score(entry))
    Console().print(table, markup=False)


def promote(name: Name, force: Force = False, as_json: AsJson = False) -> None:
    """Put a model in place, if it was better on the newest held-out week on which both were scored."""
    from spark.forecast.registry import Registry

    with Registry.of(get_settings()) as registry:
        entry = registry.promote(name, registry.evidence(name), force=force)
    _tell(entry, as_json)


def rollback(as_json: AsJson = False) -> None:
    """Bring back the model that the one in place took the place of."""
    from spark.forecast.registry import Registry

    with Registry.of(get_settings()) as registry:
        entry = registry.rollback()
    _tell(entry, as_json)


def _newest_score(entry: "Entry") -> tuple[str, str]:
    for week in entry.weeks():
        return f"from {week.start:%Y-%m-%d}", f"{entry.score(week):.3f}"
    return "–", "–"


def _tell(entry: "Entry", as_json: bool) -> None:
    typer.echo(json.dumps(entry.record(), indent=2) if as_json else f"{entry.name} is in place.")
