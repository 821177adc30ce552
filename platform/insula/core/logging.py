"""Structured logs: JSON in production, readable lines under ``make run``."""

import asyncio
import json
import logging
import sys
import weakref
from datetime import UTC, datetime
from typing import Any, Final, Literal

import structlog
from pydantic_core import PydanticSerializationError, to_json

from insula.core import clock
from insula.core.terminal import has_colours

_FLUSH_SECONDS: Final = 0.05
LogFormat = Literal["json", "console"]


def configure(log_format: LogFormat, level: str) -> None:
    """Send structlog and the standard library's loggers through one renderer to standard output."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso" if log_format == "json" else "%H:%M:%S", utc=log_format == "json"),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if log_format == "json"
        # The default shows local variables, which may be secrets, and takes seconds.
        else structlog.dev.ConsoleRenderer(
            colors=has_colours(sys.stdout), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # In DEBUG it logs whole tokens.
    logging.getLogger("authlib").setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level]))
    logging.getLogger("casbin").setLevel(logging.WARNING)  # it logs its model at each start
    logging.getLogger("sqlalchemy.pool").setLevel(logging.WARNING)  # it logs each pool at each end


def _to_json(event: object, **options: Any) -> str:
    """Render five times as fast as the standard library, which is the fallback for invalid text."""
    try:
        return to_json(event, fallback=repr).decode()
    except PydanticSerializationError:
        return json.dumps(event, **options)


class AccessLog:
    """Writes one line of JSON for each request in structlog's form, but without its processors, which cost more.

    Lines are written together, every 50 ms: a killed process loses at most those.
    """

    def __init__(self, level: str) -> None:
        self._level = logging.getLevelNamesMapping()[level]
        self._second, self._written = 0, ""  # the last line's second, and that second as text: formatted once a second
        self._lines: list[str] = []
        self._flushing_loop: asyncio.AbstractEventLoop | None = None  # the loop that will flush
        self._at_exit = weakref.finalize(self, _write, self._lines)

    def write(self, level: Literal["info", "debug"], fields: dict[str, object]) -> None:
        """Write one line if ``level`` is enabled. Adds to ``fields``."""
        if self._level <= (logging.INFO if level == "info" else logging.DEBUG):
            fields["event"], fields["level"], fields["timestamp"] = "request", level, self._stamp()
            self._lines.append(_to_json(fields, default=str))
            self._write_soon()

    def _stamp(self) -> str:
        now = clock.timestamp()
        second = int(now)
        if second != self._second:
            self._second, self._written = second, f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
        return f"{self._written}.{int((now - second) * 1_000_000):06d}Z"

    def _write_soon(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # without a loop nothing would flush later
            _write(self._lines)
            return
        if loop is not self._flushing_loop:
            self._flushing_loop = loop
            loop.call_later(_FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        """Write the buffered lines."""
        self._flushing_loop = None
        _write(self._lines)


def _write(lines: list[str]) -> None:
    if lines:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        lines.clear()
