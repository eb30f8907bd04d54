"""Logging: to standard error, a line an event."""

import logging
import sys

import structlog

_NO_NEWS = "without completing response"


def set_up_logging(level: str) -> None:
    """Log to standard error, a line an event."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    logging.getLogger("psycopg").setLevel(logging.ERROR)  # of what it warns we are told by errors


def _is_news(record: logging.LogRecord) -> bool:
    """Pass what uvicorn says, but for a connection closed on purpose: its answer broke off."""
    return _NO_NEWS not in record.getMessage()
