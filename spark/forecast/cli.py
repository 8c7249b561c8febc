"""`urbanclear forecast …`."""

import typer

from spark.forecast.drift_cli import drift
from spark.forecast.registry_cli import models, promote, rollback
from spark.forecast.serve_cli import serve

app = typer.Typer(no_args_is_help=True, help="Speeds 5 to 60 minutes ahead.")


@app.callback()
def forecasts() -> None:
    """The models that forecast, and how good they are."""


app.command()(models)
app.command()(promote)
app.command()(rollback)
app.command()(drift)
app.command()(serve)
