"""Lines that are JSON or, in older releases, dictionaries as Python prints them; read as data, never run."""

from __future__ import annotations

import ast
import json
import warnings
from typing import Any

LONGEST = 200_000
"""A longer line is left out: parsing Python takes memory by the nesting, and no record is as long."""


def record(line: bytes) -> dict[str, Any] | None:
    """The dictionary in a line, None where there is none that can be read.

    >>> record(b"{'asin': '0001', 'title': 'it\\\\'s'}")
    {'asin': '0001', 'title': "it's"}
    """
    if len(line) > LONGEST:
        return None
    text = line.decode("utf-8", errors="replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a backslash that escapes nothing is the data's, not ours
                found = ast.literal_eval(text)  # literals only: nothing in it can be called
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    return found if isinstance(found, dict) else None
