"""Opens a recorded file, packed or not: plain, gzip, or the one file in a zip, which may be a zip in turn.

Nothing is unpacked to disk and no name in a zip is taken for a path. A zip that claims to hold very much more than it
weighs is refused.
"""

import gzip
import zlib
from pathlib import Path
from typing import BinaryIO, Final, cast
from zipfile import BadZipFile, ZipFile, ZipInfo

from urbanclear.errors import SourceError

DAMAGED: Final = (EOFError, zlib.error, gzip.BadGzipFile, BadZipFile)
FIRST_BYTES: Final = 1_024
DEEPEST_ZIP: Final = 2
MOST_TIMES_LARGER: Final = 200  # rows of text pack 5 to 50 times smaller, a zip bomb a thousand times
SMALL_BYTES: Final = 1024 * 1024  # no bomb, whatever it weighs
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK"
_NAMED: Final = ((".gz", _GZIP, "gzip"), (".zip", _ZIP, "zip"), (".parquet", b"PAR1", "Parquet"))


def first_bytes(path: Path) -> bytes:
    """How the unpacked file begins; nothing where it is damaged from its start."""
    with open_unpacked(path) as file:
        try:
            return file.read(FIRST_BYTES)
        except DAMAGED:
            return b""


def open_unpacked(path: Path) -> BinaryIO:
    """The bytes of the file itself; raises `SourceError` when there is no such file, or not one alone."""
    magic = _magic(path)
    if magic.startswith(_GZIP):
        return cast(BinaryIO, gzip.open(path))
    if magic.startswith(_ZIP):
        return _open_zip(path)
    return path.open("rb")


def _magic(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}. Check the path.") from error
    for suffix, expected, kind in _NAMED:
        if magic and path.suffix == suffix and not magic.startswith(expected):
            raise SourceError(f"{path} is named {suffix} but is no {kind} file. Fetch it again or rename it.")
    return magic


def _open_zip(path: Path) -> BinaryIO:
    try:
        with ZipFile(path) as archive:
            file = _open_only_member(archive, path)
        for _ in range(DEEPEST_ZIP - 1):
            if file.read(len(_ZIP)) != _ZIP:
                break
            file = _open_only_member(ZipFile(file), path)
        file.seek(0)
    except DAMAGED as error:
        raise SourceError(f"{path} is no whole zip file ({error}); fetch it again.") from error
    except NotImplementedError as error:
        raise SourceError(f"{path} is packed in a way that is not known here ({error}); unpack it first.") from error
    return file


def _open_only_member(archive: ZipFile, path: Path) -> BinaryIO:
    members = [member for member in archive.infolist() if _is_data(member)]
    if len(members) != 1:
        raise SourceError(f"{path} holds {len(members)} files, not one; unpack the one to replay.")
    [member] = members
    if member.flag_bits & 0x1:
        raise SourceError(f"{path} is encrypted; unpack it first.")
    if member.file_size > max(SMALL_BYTES, MOST_TIMES_LARGER * member.compress_size):
        raise SourceError(f"{path} would unpack to {member.file_size:,} bytes, which no recording does; check it.")
    return cast(BinaryIO, archive.open(member))


def _is_data(member: ZipInfo) -> bool:
    return not member.is_dir() and not member.filename.startswith("__MACOSX/")
