"""`urbanclear alerting …`."""

import typer

from alerting.backtest.cli import backtest
from alerting.definitions_cli import apply, policy, rules
from alerting.notifications_cli import app as notifications
from alerting.preview_cli import preview
from urbanclear.serving import serve
from urbanclear.settings import get_settings

app = typer.Typer(help="Watch rules and tell people.")
app.add_typer(notifications, name="notifications")


@app.callback(invoke_without_command=True)
def run_alerting(context: typer.Context) -> None:
    """Evaluate rules and deliver notifications, until stopped; of several such processes one leads."""
    if context.invoked_subcommand is not None:
        return
    from alerting.engine import Engine

    settings = get_settings()
    serve(Engine(settings).run, settings)


for command in (apply, rules, policy, backtest, preview):
    app.command()(command)
