"""The user's cache folder: what can be had again and is shared by all checkouts."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/urbanclear`, by default `~/.cache/urbanclear`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "urbanclear"
