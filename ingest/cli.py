"""`urbanclear ingest` and `urbanclear source …`."""


from urbanclear.serving import serve
from urbanclear.settings import get_settings


def ingest() -> None:
    """Store what Kafka carries in the database, until stopped."""
    from ingest.consumer import Consumer

    settings = get_settings()
    serve(Consumer(settings).run, settings)
