"""`urbanclear spark nightly`."""

from urbanclear.errors import ConfigurationError
from urbanclear.serving import serve
from urbanclear.settings import OFF, get_settings, time_of_day


def nightly() -> None:
    """Run `all` every night at URBANCLEAR_NIGHTLY_AT, and once a week `forecast train`, until stopped."""
    from spark.nightly.process import Nightly

    settings = get_settings()
    at = time_of_day(settings.nightly_at)
    if at is None:
        raise ConfigurationError(f"URBANCLEAR_NIGHTLY_AT is {OFF}: set it to a time, such as 03:00.")
    serve(Nightly(settings, at).run, settings)
