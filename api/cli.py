"""`urbanclear api`."""

from urbanclear import logs
from urbanclear.settings import get_settings

SHUTDOWN_SECONDS = 5


def api() -> None:
    """Serve REST, the WebSocket bridge and the live page, until stopped."""
    import uvicorn

    from api.app import create_app

    settings = get_settings()
    logs.configure(settings)
    uvicorn.run(
        create_app(settings),
        host=settings.api_host,
        port=settings.api_port,
        log_config=None,
        access_log=False,
        ws_max_size=65_536,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
