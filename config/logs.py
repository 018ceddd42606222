"""Structured logs without addresses: one line an event, as key=value for people or JSON for machines."""

import re
from types import ModuleType
from typing import Any

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

# Whatever could name a visitor. A key that a library adds must not put it into a log all the same.
PRIVATE_KEYS = frozenset({"ip", "remote_addr", "client_ip", "user_agent", "x_forwarded_for", "contact", "receipt"})


# From PostgreSQL's DETAIL or CONTEXT, which may run over many lines, to the next traceback or the end.
_ROW = re.compile(
    r"^(DETAIL|CONTEXT): .*?(?=^(?:The above exception|During handling of|Traceback \(most)|\Z)", re.M | re.S
)


def without_visitors(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The event without any key that could name a visitor."""
    return {key: value for key, value in event.items() if key not in PRIVATE_KEYS}


# A publisher's link opens a page by its address: https://.../reply/<token>/.
_REPLY = re.compile(r"(/reply/)[A-Za-z0-9_-]+")


def without_links(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The event without the secret part of a publisher's link."""
    return {key: _REPLY.sub(r"\1...", value) if isinstance(value, str) else value for key, value in event.items()}


def without_rows(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The event with its exception as a plain traceback: no local variables, and none of PostgreSQL's row contents.

    Both hold what reporters sent.
    """
    event = structlog.processors.format_exc_info(_logger, _method, event)
    if "exception" in event:
        event["exception"] = _ROW.sub("", str(event["exception"]))
    return event


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    without_visitors,
    without_rows,
    without_links,
]


def configure(library: ModuleType) -> None:
    """Sends structlog's events through the standard library's handlers."""
    library.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def logging_config(*, as_json: bool, level: str) -> dict[str, Any]:
    """A `logging.config` dictionary: everything to standard error, one format for our events and the libraries'."""
    last: Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Access lines carry addresses; these loggers name the visitor or repeat every message.
            "django.server": {"level": "ERROR"},
            "_granian": {"level": "WARNING"},
            "httpx2": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
        },
    }
