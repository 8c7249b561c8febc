"""The dashboards as JSON files, for those who provision Grafana from files and for review of changes."""

from pathlib import Path
from typing import Final

from grafana.board import as_json
from grafana.boards import BOARDS

FOLDER: Final = Path(__file__).parent / "dashboards"


def written() -> dict[str, str]:
    """File name to its text, of every dashboard."""
    return {f"{name.replace('_', '-')}.json": as_json(build()) for name, build in BOARDS.items()}


def write() -> list[Path]:
    """Write all, and remove those of dashboards that are gone; returns what is there then."""
    texts = written()
    for file in FOLDER.glob("*.json"):
        if file.name not in texts:
            file.unlink()
    FOLDER.mkdir(exist_ok=True)
    for name, text in texts.items():
        (FOLDER / name).write_text(text)
    return sorted(FOLDER.glob("*.json"))
