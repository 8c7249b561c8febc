"""`urbanclear grafana apply`."""

from typing import Annotated, Any

import typer
from rich.console import Console

from urbanclear.settings import Settings

Url = Annotated[str | None, typer.Option(help="of Grafana; else URBANCLEAR_GRAFANA_URL")]
Token = Annotated[str | None, typer.Option(help="of a service account; better URBANCLEAR_GRAFANA_TOKEN")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="only show what would change")]
Prune = Annotated[bool, typer.Option("--prune", help="remove what this command made and is no longer meant")]
Renew = Annotated[bool, typer.Option("--renew-secrets", help="send passwords and tokens anew: they cannot be read")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


def apply(
    url: Url = None,
    token: Token = None,
    dry_run: DryRun = False,
    prune: Prune = False,
    renew_secrets: Renew = False,
    as_json: AsJson = False,
) -> None:
    """Bring data sources, dashboards, alert rules and contact points into Grafana, where they are not so yet."""
    from grafana.applying import printed
    from grafana.applying.connection import connected
    from grafana.applying.data_sources import answers
    from grafana.applying.plan import planned, write

    settings = _settings(url, token)
    with connected(settings) as grafana:
        changes = planned(grafana, settings, prune=prune, renew_secrets=renew_secrets)
        if not dry_run:
            write(changes)
        found = {} if dry_run else answers(grafana, settings)
    if as_json:
        typer.echo(printed.as_json(changes, found, dry_run=dry_run))
    else:
        printed.show(Console(soft_wrap=True), changes, found, dry_run=dry_run)


def _settings(url: str | None, token: str | None) -> Settings:
    stated: dict[str, Any] = {"grafana_url": url, "grafana_token": token}
    return Settings.model_validate({name: value for name, value in stated.items() if value is not None})
