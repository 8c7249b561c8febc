"""`urbanclear api`."""

from urbanclear import logs
from urbanclear.serving import serve_metrics
from urbanclear.settings import get_settings


def api() -> None:
    """Serve REST, the live bridge and the live page, until stopped."""
    from api.app import create_app
    from api.server import server_of
    from urbanclear.open_files import raise_limit

    settings = get_settings()
    raise_limit()
    logs.configure(settings)
    serve_metrics(settings)
    server_of(create_app(settings), settings).run()
