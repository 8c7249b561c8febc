"""`urbanclear grafana`: dashboards written as files, and brought into a Grafana."""

import typer
from rich.console import Console

app = typer.Typer(no_args_is_help=True, help="Dashboards, data sources and alert rules of Grafana, as code.")


@app.command()
def write() -> None:
    """Write the dashboards to `grafana/dashboards/*.json` of this checkout."""
    from grafana.files import write as write_files

    console = Console(soft_wrap=True)
    for file in write_files():
        console.print(str(file), highlight=False)
