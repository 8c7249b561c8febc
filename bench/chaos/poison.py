"""What no reading is, with the reason for which it has to become a dead letter; each is told apart by its bytes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

HUGE_BYTES: Final = 1_048_300  # with key and header just within what a broker takes by default
COMPRESSIBLE_BYTES: Final = 3_000_000  # more, but not once it is compressed

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Poison:
    """One kind: `make` spoils the fields of a good reading."""

    reason: str
    make: Callable[[Fields, Random], bytes | None]


def _json(fields: object) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def _with(**changes: object) -> Callable[[Fields, Random], bytes]:
    return lambda fields, chance: _json({**fields, **changes})


def _on(day: str) -> Callable[[Fields, Random], bytes]:
    return lambda fields, chance: _json({**fields, "time": day + str(fields["time"])[len(day) :]})


def _only(*kept: str) -> Callable[[Fields, Random], bytes]:
    return lambda fields, chance: _json({name: fields[name] for name in kept})


def _truncated(fields: Fields, chance: Random) -> bytes:
    return _json(fields)[: -chance.randint(1, 12)]


def _huge(fields: Fields, chance: Random) -> bytes:
    """Of text that does not compress."""
    return b'{"' + chance.randbytes(HUGE_BYTES // 2 - 1).hex().encode()


def _not_a_number(fields: Fields, chance: Random) -> bytes:
    return _json({**fields, "speed_kmh": chance.choice([float("nan"), float("inf")])})


#: JSON all the same, so that it may also stand among good readings in one message.
WELL_FORMED: Final = {
    "wrong type": Poison("invalid", _with(speed_kmh="fast")),
    "out of range": Poison("invalid", _with(occupancy=1.5)),
    "out of a double's range": Poison("invalid", lambda fields, chance: _json(fields)[:-1] + b',"volume_vph":1e999}'),
    "no measure": Poison("invalid", _only("sensor", "time")),
    "no sensor": Poison("invalid", lambda fields, chance: _json({**fields, "sensor": None})),
    "no external id": Poison("invalid", lambda fields, chance: _json({**fields, "sensor": f"No {fields['sensor']}"})),
    "no time": Poison("invalid", lambda fields, chance: _json({**fields, "time": f"{fields['time']} or so"})),
    "naive time": Poison("naive_time", lambda fields, chance: _json({**fields, "time": fields["time"].rstrip("Z")})),
    "1970": Poison("too_old", _on("1970-01-01")),
    "2099": Poison("future_time", _on("2099-12-31")),
    "a number": Poison("invalid", lambda fields, chance: str(chance.getrandbits(50)).encode()),
    "a text": Poison("invalid", lambda fields, chance: _json(f"{fields['sensor']} {fields['time']}")),
}
MALFORMED: Final = {
    "truncated": Poison("undecodable", _truncated),
    "NaN": Poison("undecodable", _not_a_number),
    "not UTF-8": Poison("undecodable", lambda fields, chance: b"\xff\xfe" + _json(fields)),
    "1 MB": Poison("undecodable", _huge),
    "3 MB": Poison("undecodable", lambda fields, chance: _json(fields)[:-1] + b" " * COMPRESSIBLE_BYTES),
    "nested": Poison("invalid", lambda fields, chance: b"[" * 100_000 + _json(fields)),
    "nothing": Poison("undecodable", lambda fields, chance: None),
}
ALL: Final = {**WELL_FORMED, **MALFORMED}
