"""Structured logs: one JSON object a line, without names, numbers, addresses, codes or tokens.

What may be said is a short list of keys, so that a careless line cannot tell more.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED = frozenset(
    {
        "event", "level", "timestamp", "exception", "door", "code", "detail", "reference", "error", "chore", "outcome",
        "kind", "client", "tries", "notice", "channel", "why", "origin", "database", "front", "incident",
    }
)  # fmt: skip


def only_allowed(_: Any, __: str, said: MutableMapping[str, Any]) -> dict[str, Any]:
    """Drop every key that is not on the list."""
    return {key: value for key, value in said.items() if key in ALLOWED}


def set_up_logs(level: str) -> None:
    """Log to standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            only_allowed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
