"""The way to Grafana, and what its refusals mean."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from grafana_client.api import GrafanaApi
from grafana_client.client import (
    GrafanaClientError,
    GrafanaException,
    GrafanaServerError,
    GrafanaUnauthorizedError,
)

from urbanclear.errors import ConfigurationError, GrafanaError
from urbanclear.settings import Settings

OLDEST: Final = 9
TIMEOUT_S: Final = 30.0
NOT_FOUND: Final = 404
FORBIDDEN: Final = 403


@contextmanager
def connected(settings: Settings) -> Iterator[GrafanaApi]:
    """To the settings' Grafana, which is there and new enough; what goes wrong within is a `GrafanaError` as well."""
    if settings.grafana_url is None:
        raise ConfigurationError("No Grafana is known: set URBANCLEAR_GRAFANA_URL or --url to its address.")
    url = str(settings.grafana_url)
    logging.getLogger(GrafanaApi.__module__).disabled = True  # it would say the same again, and worse
    grafana: GrafanaApi = GrafanaApi.from_url(
        url if url.endswith("/") else f"{url}/", _credential(settings), TIMEOUT_S
    )
    try:
        with _explained(settings):
            _require_grafana(grafana, url)
            version = str(grafana.connect().get("version") or OLDEST)
            if int(version.split(".")[0]) < OLDEST:
                raise GrafanaError(f"Grafana {version} is too old: {OLDEST}.0 or newer is needed, upgrade it first.")
            yield grafana
    finally:
        grafana.client.s.close()


def _require_grafana(grafana: GrafanaApi, url: str) -> None:
    """Before a password or a token is called wrong: whether it is Grafana at all that answers."""
    try:
        health = grafana.client.GET("/health")
    except (GrafanaClientError, GrafanaServerError) as error:
        health = error.response
    if not (isinstance(health, dict) and "database" in health):
        raise GrafanaError(
            f"What answers at {url} is no Grafana: set URBANCLEAR_GRAFANA_URL or --url to the address of one."
        )


def _credential(settings: Settings) -> str | tuple[str, str]:
    if settings.grafana_token is not None:
        return settings.grafana_token.get_secret_value()
    if settings.grafana_password is not None:
        return settings.grafana_user, settings.grafana_password.get_secret_value()
    raise ConfigurationError(
        "Grafana wants to know who asks: set URBANCLEAR_GRAFANA_TOKEN to the token of a service account with the "
        "role Admin, or URBANCLEAR_GRAFANA_PASSWORD."
    )


@contextmanager
def _explained(settings: Settings) -> Iterator[None]:
    """Turns what goes wrong with Grafana into a `GrafanaError` that says what to do."""
    url = settings.grafana_url
    try:
        yield
    except GrafanaUnauthorizedError as error:
        refused = "the token: make a new one for its service account, and set URBANCLEAR_GRAFANA_TOKEN"
        if settings.grafana_token is None:
            refused = "the password: set URBANCLEAR_GRAFANA_USER and URBANCLEAR_GRAFANA_PASSWORD"
        raise GrafanaError(f"Grafana at {url} refuses {refused}.") from error
    except GrafanaClientError as error:
        if error.status_code == FORBIDDEN:
            raise GrafanaError(
                f"Grafana at {url} does not allow this ({_said(error)}): give the service account the role Admin."
            ) from error
        raise GrafanaError(f"Grafana at {url} said no: {_said(error)}.") from error
    except GrafanaException as error:
        raise GrafanaError(f"Grafana at {url} failed: {_said(error)}. Its own log says why.") from error
    except OSError as error:
        raise GrafanaError(f"Grafana at {url} cannot be reached: is it running, and is this its address?") from error


def found(ask: Callable[..., Any], *arguments: str) -> Any:
    """The answer, or None where Grafana has no such thing."""
    try:
        return ask(*arguments)
    except GrafanaClientError as error:
        if error.status_code != NOT_FOUND:
            raise
        return None


def _said(error: GrafanaException) -> str:
    response = error.response
    message = response.get("message") if isinstance(response, dict) else None
    return str(message or error.message).rstrip(".")
