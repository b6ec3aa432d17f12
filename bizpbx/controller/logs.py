"""Logs: to stderr, as lines for people or as JSON. Data goes to stdout, so both can be used together."""

from __future__ import annotations

import sys
from typing import Literal, cast

import structlog


def configure(form: Literal["console", "json"] | str) -> None:
    """Set structlog up for this process."""
    renderer: structlog.typing.Processor
    if form == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = cast(structlog.typing.Processor, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
