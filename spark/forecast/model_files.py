"""The files of models: written whole or not at all, never over another, and read only while what was kept."""

import hashlib
import io
import os
import pickle
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

import joblib

from urbanclear.errors import ConfigurationError, ModelUnavailable

SUFFIX: Final = ".joblib"
#: What reading a model of another version of the code, or of a library, ends with.
_UNREADABLE: Final = (
    pickle.UnpicklingError,
    AttributeError,
    ImportError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
)
_WAY_OUT: Final = "restore it there, or go back with `urbanclear forecast rollback`"


@contextmanager
def reserved(folder: Path, beginning: str, taken: Collection[str]) -> Iterator[Path]:
    """A file, empty and nobody else's, called `beginning` and the first number that is free in the folder, which may
    hold models of other databases, and among `taken`; gone again where the block fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = _reserve(folder, beginning, taken)
    except OSError as error:
        raise ConfigurationError(
            f"Models cannot be kept in {folder} ({error.strerror}): set URBANCLEAR_MODELS_DIR to a folder that "
            f"can be written."
        ) from error
    try:
        yield file
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _reserve(folder: Path, beginning: str, taken: Collection[str]) -> Path:
    for number in count(1):
        file = folder / f"{beginning}-{number}{SUFFIX}"
        if file.stem not in taken and not file.exists():
            with suppress(FileExistsError):
                file.open("xb").close()
                break
    return file


def write(model: object, file: Path) -> str:
    """Put `model` in the place of a reserved file; returns the SHA-256 of what is then in it."""
    kept = io.BytesIO()
    joblib.dump(model, kept, compress=3)
    unfinished = file.with_suffix(".unfinished")
    try:
        with unfinished.open("wb") as out:
            out.write(kept.getbuffer())
            out.flush()
            os.fsync(out.fileno())
        os.replace(unfinished, file)
    except OSError as error:
        raise ConfigurationError(
            f"The model could not be written to {file} ({error.strerror}): make room, or set URBANCLEAR_MODELS_DIR "
            f"to another folder."
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return hashlib.sha256(kept.getbuffer()).hexdigest()


def verified(file: Path, sha256: str) -> bytes:
    """What is in `file`; raises `ModelUnavailable` where it is not what was kept."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelUnavailable(f"The model's file {file} cannot be read ({error.strerror}): {_WAY_OUT}.") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelUnavailable(f"The model's file {file} is not what was kept, by its SHA-256: {_WAY_OUT}.")
    return content


def read(file: Path, sha256: str, code_version: str) -> Any:
    """The model in `file`, once that is known to be what was kept."""
    content = verified(file, sha256)
    try:
        return joblib.load(io.BytesIO(content))
    except _UNREADABLE as error:
        raise ModelUnavailable(
            f"The model's file {file} is of Urbanclear {code_version} and cannot be read by this one "
            f"({type(error).__name__}: {error}): train a new one with `urbanclear forecast train`."
        ) from error
