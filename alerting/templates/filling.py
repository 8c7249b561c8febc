"""Rules' titles and descriptions: Jinja over one alert, filled in where the process that fires it runs."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final, TypedDict

from jinja2 import Template, TemplateError

from alerting.templates.bounded import Bounded, rendered
from urbanclear.logs import get_logger

log = get_logger("alerting")

LONGEST: Final = 4_000  # characters: what a description of an alert may have
_KEPT: Final = 4_096  # templates that stay compiled


class About(TypedDict):
    """What a text may ask of an alert."""

    name: str
    subject: str
    value: float | None
    labels: Mapping[str, str | list[str]]
    priority: str
    reason: str
    started_at: datetime


_environment = Bounded(About.__annotations__.keys())


def fill(text: str, context: About) -> str:
    """`text` with what stands in braces filled in from `context`; where that fails, `text` as it is.

    Never raises, and returns at most `LONGEST` characters. A label that is not there is the empty string, and what
    asks for something else stays as it is written. That a text fails is logged once.
    """
    if "{" not in text:
        return text[:LONGEST]
    try:
        return rendered(_compiled(text), context, LONGEST)
    except TemplateError as error:
        _note(text, f"{error}")
    except Exception as error:  # noqa: BLE001 – what a template does with values of any kind may raise anything
        _note(text, f"{type(error).__name__}: {error}"[:200])
    return text[:LONGEST]


def problem_of(text: str) -> str | None:
    """Why `text` cannot be filled in, whatever the values are; None where it can."""
    try:
        _environment.checked(text)
    except TemplateError as error:
        return (error.message or str(error)).rstrip(".")
    except RecursionError:
        return "it is nested too deeply"
    return None


@lru_cache(_KEPT)
def _compiled(text: str) -> Template:
    return _environment.compiled(text)


@lru_cache(_KEPT)
def _note(text: str, problem: str) -> None:
    log.warning("alerting.text_not_filled", text=text[:200], problem=problem)
