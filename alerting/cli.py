"""`urbanclear alerting`."""

from urbanclear.serving import serve
from urbanclear.settings import get_settings


def alerting() -> None:
    """Run the alerting process, until stopped."""
    from alerting.engine import Engine

    settings = get_settings()
    serve(Engine(settings).run, settings)
