"""`urbanclear forecast drift`."""

import json
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from spark.options import AsJson
from urbanclear.errors import ConfigurationError
from urbanclear.settings import get_settings

if TYPE_CHECKING:
    from spark.forecast.drift import Drift

#: Of the process, where the model has become worse: 1 and 2 are errors.
DRIFTED: Final = 3

Days = Annotated[float, typer.Option(help="how many of the last scored ones are looked at", min=0.05, max=28)]
Tolerance = Annotated[float, typer.Option(help="share by which the error may grow", min=0)]


def drift(days: Days = 7, tolerance: Tolerance = 0.2, as_json: AsJson = False) -> None:
    """Tell whether the model in place has become worse; the exit code is 3 where it has."""
    from spark.forecast.drift import drift_of
    from spark.forecast.registry import Registry

    with Registry.of(get_settings()) as registry:
        entry = registry.in_place()
        if entry is None:
            raise ConfigurationError(
                "No model is in place: train one with `urbanclear forecast train`, or put one there that `urbanclear "
                "forecast models` lists, with `urbanclear forecast promote`."
            )
        found = drift_of(registry.connection, entry, days, tolerance)
    typer.echo(json.dumps(found.record(), indent=2)) if as_json else _tell(found)
    if found.reasons:
        raise typer.Exit(DRIFTED)


def _tell(found: "Drift") -> None:
    table = Table("minutes ahead", "forecasts", "MAE, km/h", "before", "skill", "before", "coverage")
    for one in found.horizons:
        maes, skills = (one.mae_kmh, one.mae_before_kmh), (one.skill, one.skill_before)
        numbers = (_number(value, 2) for value in (*maes, *skills, one.coverage))
        table.add_row(f"{one.minutes}", f"{one.predictions:,}", *numbers)
    Console().print(table, markup=False)
    span = f"the {found.days:g} days to {found.until:%Y-%m-%d %H:%M}"
    if found.reasons:
        typer.echo(
            f"{found.model} has become worse: in {span}, {' and '.join(found.reasons)}. Train a new one with "
            f"`urbanclear forecast train`, or go back with `urbanclear forecast rollback`."
        )
    elif found.ratio is None:
        typer.echo(f"There is nothing yet to hold {found.model} against.")
    else:
        against = f"its error is {found.ratio:.2f} of that in {found.against}"
        typer.echo(f"{found.model} has not become worse: in {span}, {against}.")


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
