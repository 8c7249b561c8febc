"""`urbanclear forecast …`."""

import typer

from spark.forecast.drift_cli import drift
from spark.forecast.registry_cli import models, promote, rollback
from spark.forecast.serve_cli import serve
from spark.forecast.training_cli import backtest, evaluate, train

app = typer.Typer(no_args_is_help=True, help="Speeds 5 to 60 minutes ahead.")


@app.callback()
def forecasts() -> None:
    """The models that forecast, and how good they are."""


for command in (train, evaluate, backtest, models, promote, rollback, drift, serve):
    app.command()(command)
