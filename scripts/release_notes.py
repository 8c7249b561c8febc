"""Prints what CHANGELOG.md says of a release, named by its tag: `python scripts/release_notes.py v0.2.0`.

Ends with 1 where the tag is not the project's version, or the changelog has no section for it.
"""

import re
import sys
import tomllib
from pathlib import Path


def notes(tag: str, folder: Path) -> str:
    """The section of the release `tag` in the checkout `folder`, without its heading; raises `ValueError`."""
    version = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["version"]
    if tag != f"v{version}":
        raise ValueError(f"The tag is {tag}, pyproject.toml has version {version}: make them one.")
    sections = re.split(r"^## \[(.+?)\].*$", (folder / "CHANGELOG.md").read_text(), flags=re.MULTILINE)
    found = dict(zip(sections[1::2], sections[2::2], strict=True)).get(version, "").strip()
    if not found:
        raise ValueError(f"CHANGELOG.md has nothing of {version}: put what is new under ## [{version}].")
    return found


if __name__ == "__main__":
    try:
        sys.stdout.write(notes(sys.argv[1], Path.cwd()) + "\n")
    except ValueError as error:
        sys.exit(f"error: {error}")
