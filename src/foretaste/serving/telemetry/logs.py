"""Logs on standard error: plain lines at a terminal, JSON lines otherwise."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
from typing import Any

FIELDS = ("request_id", "method", "route", "status", "ms", "key", "version", "where")
"""Fields of a log record beside its message. Never headers, bodies or paths with ids."""
KEY = re.compile(r"ft_([0-9a-f]{12})_[A-Za-z0-9_-]+")


class JsonLines(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_keys(record.getMessage()),
        }
        line |= {name: value for name in FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info and record.exc_info[1] is not None:
            line["where"] = where(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


class PlainLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        details = getattr(record, "where", None) or (
            where(record.exc_info[1]) if record.exc_info and record.exc_info[1] else None
        )
        line = f"{time.strftime('%H:%M:%S', time.localtime(record.created))} {without_keys(record.getMessage())}"
        return f"{line}\n{details}" if details else line


def where(error: BaseException) -> str:
    """The type of an error with its traceback, without the message, which may quote what a client sent."""
    frames = traceback.format_list(traceback.extract_tb(error.__traceback__))
    return f"{''.join(frames)}{type(error).__module__}.{type(error).__qualname__}"


def without_keys(text: str) -> str:
    """The text with the secret part of API keys removed; the id stays, to identify the client."""
    return KEY.sub(r"ft_\1_…", text)


def show_logs(*, access: bool) -> None:
    """Log to standard error, unless the surrounding program configured logging."""
    for name, level in (
        ("foretaste.access", logging.INFO if access else logging.WARNING),
        ("foretaste.serving", logging.INFO),
        ("uvicorn", logging.WARNING),
    ):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        if not logger.hasHandlers():
            handler = logging.StreamHandler()
            handler.setFormatter(PlainLines() if sys.stderr.isatty() else JsonLines())
            logger.addHandler(handler)
            logger.propagate = False
