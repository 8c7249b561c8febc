"""What a query finds, as numpy columns: by PostgreSQL's binary COPY, without an object a row and field."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.abc import Params

_SENSORS: Final = "SELECT id, external_id FROM sensors"
_HEADER_BYTES: Final = 19
_TRAILER_BYTES: Final = 2
#: PostgreSQL counts from 2000-01-01, in microseconds.
EPOCH_2000_US: Final = 946_684_800_000_000


def columns_of(
    connection: psycopg.Connection[Any], query: str, values: Params, fields: Mapping[str, str]
) -> NDArray[Any]:
    """A record a row of `query`, none of whose fields may be NULL; `fields` are their names and types in numpy, such
    as `>i4` for an integer, `>i8` for a time."""
    parts = [part for name, kind in fields.items() for part in ((f"{name} bytes", ">i4"), (name, kind))]
    copied = f"COPY ({query}) TO STDOUT (FORMAT binary)".encode()
    with connection.cursor() as cursor, cursor.copy(copied, values) as copy:
        found = b"".join(copy)
    return np.frombuffer(found[_HEADER_BYTES:-_TRAILER_BYTES], np.dtype([("fields", ">i2"), *parts]))


def sensor_names(connection: psycopg.Connection[Any]) -> dict[int, str]:
    """The external id of each sensor, by the number that rows have."""
    return dict(connection.execute(_SENSORS).fetchall())
