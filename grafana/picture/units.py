"""Numbers with Grafana's units, as people read them."""

from datetime import datetime, timedelta
from typing import Any, Final

_SUFFIX: Final = {"velocitykmh": " km/h", "percent": " %", "lengthm": " m", "lengthkm": " km", "m": " min", "h": " h"}


def shown(value: Any, unit: str | None, decimals: int | None = None) -> str:
    """One value; a dash for none."""
    match value:
        case None:
            return "–"
        case bool() | str():
            return str(value)
        case datetime():
            return f"{value:%d %b %H:%M}"
        case timedelta():
            return shown(value.total_seconds(), "s")
        case list():
            return ", ".join(map(str, value))
    number = float(value)
    if unit == "percentunit":
        return f"{number:.{decimals or 0}%}".replace("%", " %")
    if unit == "s" and abs(number) >= 60:
        minutes = round(number / 60)
        return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
    suffix = _SUFFIX.get(unit or "", " s" if unit == "s" else "")
    if unit and unit.startswith("suffix:"):
        suffix = unit.removeprefix("suffix:")
    places = decimals if decimals is not None else (0 if number == int(number) or abs(number) >= 100 else 1)
    return f"{number:,.{places}f}{suffix}"
