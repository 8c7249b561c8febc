"""New York's open data, which Socrata serves: a data set's newest rows, and the token that raises its limits."""

from collections.abc import Mapping
from typing import Final

from urbanclear.settings import Settings

HOST: Final = "https://data.cityofnewyork.us"


def newest(data_set: str, order: str, rows: int) -> str:
    """The address of a data set's first `rows` rows in an order that begins with the newest (https://dev.socrata.com/docs/queries/)."""
    return f"{HOST}/resource/{data_set}.json?$order={order}&$limit={rows}"


def app_token(settings: Settings) -> Mapping[str, str]:
    """The header that carries the token, where there is one (https://dev.socrata.com/docs/app-tokens.html)."""
    token = settings.socrata_app_token
    return {} if token is None else {"X-App-Token": token.get_secret_value()}
