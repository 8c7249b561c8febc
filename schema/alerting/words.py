"""Words that rules, contacts and routes have in common: names, durations, priorities, labels and matchers of labels.

A matcher is written as in Prometheus's Alertmanager: `area="Brooklyn"`, `area!="Brooklyn"`,
`priority=~"high|critical"`, `rule!~"congestion-.*"`; a pattern has to fit the whole value. Of a label that has
several values, one that fits is enough. A label that is not there is the empty string.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    ValidationInfo,
)

from urbanclear.durations import read_duration
from urbanclear.errors import ConfigurationError

Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$"),
]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Text on one line: nothing in it can begin a header or another line."""
Prose = Annotated[str, StringConstraints(max_length=4_000, pattern=r"^[^\x00]*$")]
Label = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
LabelName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
Labels = Mapping[str, str | list[str]]


class Definition(BaseModel):
    """Base of what people write: a word that is not known is refused, so that a typing error is not lost."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    def document(self) -> dict[str, Any]:
        """As it is stored and shown: JSON, without what was left at its default."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


KEPT: Final = {"kept": True}
"""The context of validation in which what is stored is read. What an earlier release let through is let through then:
refused, the other parts of a policy or a contact would be lost with it."""


class Priority(StrEnum):
    """How urgent an alert is; in this order."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 is the least."""
        return list(Priority).index(self)


def duration_text(duration: timedelta) -> str:
    """`duration` as people write it, in the largest unit that needs no fraction."""
    seconds = duration.total_seconds()
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length:.0f}{unit}"
    return f"{seconds:g}s"


Duration = Annotated[
    timedelta,
    BeforeValidator(read_duration, json_schema_input_type=str),
    PlainSerializer(duration_text, return_type=str),
]
"""`30s`, `5m`, `12h` or `7d`."""

_MATCHER: Final = re.compile(r'^\s*([a-z_][a-z0-9_]{0,62})\s*(=~|!~|!=|=)\s*"?([^"]{0,200}?)"?\s*$')


@dataclass(frozen=True)
class Matcher:
    """One comparison of a label with a value or a pattern."""

    label: str
    operator: str
    value: str

    @classmethod
    @lru_cache(maxsize=4_096)
    def parse(cls, text: str) -> "Matcher":
        """Raises `ConfigurationError` for what is no matcher, or whose pattern is no regular expression."""
        found = _MATCHER.match(text)
        if found is None:
            raise ConfigurationError(f'{text!r} is no matcher: write label="value", with =, !=, =~ or !~.')
        matcher = cls(*found.groups())
        try:
            _fits(matcher.value, "")
        except pa.ArrowInvalid as error:
            if "~" in matcher.operator:
                why = str(error).removeprefix("Invalid regular expression: ")
                raise ConfigurationError(f"{text!r}: the pattern is no regular expression ({why}).") from None
        return matcher

    def matches(self, labels: Labels) -> bool:
        """Whether it holds of `labels`."""
        value = labels.get(self.label) or ""
        values = [value] if isinstance(value, str) else value
        fits = any(_fits(self.value, one) for one in values) if "~" in self.operator else self.value in values
        return fits != self.operator.startswith("!")


@lru_cache(maxsize=65_536)
def _fits(pattern: str, value: str) -> bool:
    """Whether the whole of `value` is as `pattern` says, by RE2, as in Alertmanager: no pattern takes long."""
    found: bool = pc.match_substring_regex(value, rf"\A(?:{pattern})\z").as_py()
    return found


def _is_matcher(text: str, info: ValidationInfo) -> str:
    if text.count('"') == 1 and info.context != KEPT:
        raise ValueError(f'{text!r} has one quote: write label="value", with a quote at both ends or none')
    try:
        Matcher.parse(text)
    except ConfigurationError as error:
        raise ValueError(str(error).rstrip(".")) from None
    return text


MatcherText = Annotated[str, AfterValidator(_is_matcher)]


def all_match(matchers: Iterable[str], labels: Labels) -> bool:
    """Whether every one of `matchers` holds of `labels`; of none that is so."""
    return all(Matcher.parse(text).matches(labels) for text in matchers)
