"""Works out one back-test in a process of its own, so that evaluation goes on beside it: a JSON object from standard
input, then lines of JSON on standard output: `progress`, and in the end `result` or `error`."""

import asyncio
import json
import os
import sys
from datetime import datetime
from typing import Any, Final

from sqlalchemy.exc import DBAPIError

from alerting.backtest.backtest import backtest
from alerting.command_database import patient_engine
from alerting.conditions import Context
from schema.alerting.rules import Rule
from schema.database import problem_of
from urbanclear.errors import UrbanclearError

NICENESS: Final = 10
LEAST_STEP: Final = 0.01


def main() -> None:
    """Read what is asked, and answer."""
    os.nice(NICENESS)
    try:
        _say(result=asyncio.run(_worked_out(json.load(sys.stdin))))
    except UrbanclearError as error:
        _say(error=str(error))
    except DBAPIError as error:
        _say(error=f"{problem_of(error.orig)}.")


async def _worked_out(asked: dict[str, Any]) -> dict[str, Any]:
    start, until = (datetime.fromisoformat(asked[name]) for name in ("from", "to"))
    rule = Rule.model_validate(asked["rule"])
    engine = patient_engine(asked["url"])
    told = 0.0

    def progress(share: float) -> None:
        nonlocal told
        if share - told >= LEAST_STEP:
            told = share
            _say(progress=share)

    try:
        async with engine.connect() as connection:
            context = Context(until, asked["time_zone"], asked["holidays"])
            return (await backtest(connection, rule, start, until, context, progress)).document()
    finally:
        await engine.dispose()


def _say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
