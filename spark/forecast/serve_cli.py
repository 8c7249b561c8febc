"""`urbanclear forecast serve`."""

from urbanclear import serving
from urbanclear.settings import get_settings


def serve() -> None:
    """Predict every sensor each minute, and again with its readings, into traffic.predictions, until stopped."""
    from spark.forecast.serving.process import Serving

    settings = get_settings()
    serving.serve(lambda stop: Serving(settings).run(stop), settings)
