"""Structured logs: one event name and its fields, to stderr, as a readable line or as JSON."""

import logging
import sys

import structlog

from urbanclear.settings import Settings


def configure(settings: Settings) -> None:
    """Set up logging for this process; other libraries' warnings pass through the same lines."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=renderer))
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    logging.getLogger("urbanclear").setLevel(level)


def get_logger(part: str) -> structlog.stdlib.BoundLogger:
    """A logger whose lines carry the part's name."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(f"urbanclear.{part}", part=part)
    return logger
