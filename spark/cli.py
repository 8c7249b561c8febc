"""`urbanclear spark …`."""

import typer

app = typer.Typer(no_args_is_help=True, help="Batch jobs on Spark.")


@app.callback()
def _group() -> None:
    """Each command is one job."""
