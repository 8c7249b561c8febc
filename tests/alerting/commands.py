"""Commands of alerting, run beside the tests' own event loop on a database of the test's."""

import asyncio
import os

import pytest
from typer.testing import CliRunner, Result

from urbanclear.cli import app
from urbanclear.settings import get_settings


async def said(database_url: str, *words: str) -> Result:
    """What `urbanclear alerting …` says."""
    return await asyncio.to_thread(_run, database_url, *words)


def _run(database_url: str, *words: str) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "URBANCLEAR_DATABASE_URL", database_url)
        get_settings.cache_clear()
        try:
            return CliRunner().invoke(app, ["alerting", *words])
        finally:
            get_settings.cache_clear()
