"""The producer's own ledger, and what follows from it: which readings have to be stored, which bytes rejected.

What Kafka acknowledged has to be in the topic at that place. A message whose fate the producer never learnt counts
as what the topic says of it. From then on the topic decides: every message in it, at its offset, is owed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple

from bench.chaos.messages import Bad, Good, Measures, Script
from schema import topics

SHOWN: Final = 10  # of each kind


class Delivered(NamedTuple):
    """A message as it is in the topic; `number` is what its header says."""

    partition: int
    offset: int
    number: int | None
    value: bytes | None


class Owed(NamedTuple):
    """A reading that has to be stored, unless the same sensor and time stand earlier in the topic."""

    partition: int
    offset: int
    item: int
    sensor: str
    time: datetime
    measures: Measures


class Letter(NamedTuple):
    """A dead letter, by the origin that its header names."""

    origin: str
    reason: str
    value: bytes


@dataclass
class Findings:
    """What is wrong, counted by kind, with the first of each.

    `lost` ought to be there and is not, `changed` is there with another value or reason, `repeated` is there more
    than once, `strange` was never sent, `aggregate` does not equal a recount.
    """

    counts: Counter[str] = field(default_factory=Counter)
    shown: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, examples: Iterable[str], count: int = 1) -> None:
        """Note `count` of a kind."""
        self.counts[kind] += count
        known = self.shown.setdefault(kind, [])
        known += islice(examples, SHOWN - len(known))

    @property
    def lost(self) -> int:
        """What is not there as it was sent."""
        return self.counts["lost"] + self.counts["changed"]

    @property
    def repeated(self) -> int:
        """What is there beyond that."""
        return self.counts["repeated"] + self.counts["strange"]

    def __bool__(self) -> bool:
        return any(self.counts.values())


@dataclass
class Ledger:
    """What the producer knows of its messages, by number."""

    acknowledged: dict[int, tuple[int, int]] = field(default_factory=dict)  # partition, offset
    uncertain: set[int] = field(default_factory=set)


class Account:
    """Takes the topic's messages in the order of their offsets; says what is owed for them."""

    def __init__(self, script: Script, ledger: Ledger, findings: Findings) -> None:
        self._script = script
        self._ledger = ledger
        self._findings = findings
        self._places: set[tuple[int, int]] = set()
        self.rejected: dict[str, Bad] = {}  # by origin

    def take(self, delivered: Iterable[Delivered]) -> Iterator[Owed]:
        """The readings owed for these messages; what has to be rejected is noted in `rejected`."""
        for found in delivered:
            if not self._is_ours(found):
                self._findings.add("strange", [f"message {_place(found)}, which was not sent like this"])
                continue
            self._places.add((found.partition, found.offset))
            yield from self._parts(found)

    def close(self) -> None:
        """All messages were taken: what Kafka acknowledged was among them."""
        for number, (partition, offset) in self._ledger.acknowledged.items():
            if (partition, offset) not in self._places:
                self._findings.add(
                    "lost", [f"message {number}, acknowledged at {partition}/{offset} by Kafka itself"]
                )

    def compare(self, letters: Iterable[Letter]) -> None:
        """Every rejected part is there once, as it was sent and for its reason, and nothing else."""
        seen: Counter[str] = Counter()
        for letter in letters:
            seen[letter.origin] += 1
            expected = self.rejected.get(letter.origin)
            if expected is None:
                self._findings.add("strange", [f"dead letter of {letter.origin}, {letter.reason}"])
            elif seen[letter.origin] > 1:
                self._findings.add("repeated", [f"dead letter of {letter.origin}, {letter.reason}"])
            elif (letter.reason, letter.value) != (expected.reason, expected.value):
                self._findings.add("changed", [_changed(letter, expected)])
        for origin in self.rejected.keys() - seen.keys():
            self._findings.add("lost", [f"dead letter of {origin}, {self.rejected[origin].reason}"])

    def _is_ours(self, found: Delivered) -> bool:
        """Whether the ledger has it, with these bytes."""
        number = found.number
        if number is None or (number not in self._ledger.acknowledged and number not in self._ledger.uncertain):
            return False
        return self._script.message(number).value == found.value

    def _parts(self, found: Delivered) -> Iterator[Owed]:
        assert found.number is not None  # noqa: S101
        for item, part in enumerate(self._script.message(found.number).parts):
            if isinstance(part, Good):
                yield Owed(found.partition, found.offset, item, *part)
            else:
                suffix = "" if part.item is None else f"/{part.item}"
                self.rejected[f"{topics.READINGS.name}/{found.partition}/{found.offset}{suffix}"] = part


def _place(found: Delivered) -> str:
    return f"{found.partition}/{found.offset}"


def _changed(letter: Letter, expected: Bad) -> str:
    same = "as it was sent" if letter.value == expected.value else f"with other bytes: {letter.value[:60]!r}"
    return f"dead letter of {letter.origin}, {letter.reason} instead of {expected.reason}, {same}"
