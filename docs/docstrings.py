"""Docstrings as foretaste writes them, for the API reference: `name : meaning` lines become a list, drawings stay.

An extension of griffe, which mkdocstrings reads the sources with.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

ENTRY = re.compile(r"^(\w[\w, \[\].*]*?) +: +(.*)$")
"""`k : how many`; several names may share a line."""
DRAWN = "├└│─▼"


def as_markdown(text: str) -> str:
    """The docstring with its lists of parameters and its drawings marked up."""
    return "\n\n".join(_paragraph(part) for part in re.split(r"\n\s*\n", text))


def _paragraph(part: str) -> str:
    lines = part.splitlines()
    if any(sign in part for sign in DRAWN):
        return "\n".join(["```text", *lines, "```"])
    found: list[str] = []
    listing = False
    for line in lines:
        if entry := ENTRY.match(line):
            found += [*([] if listing else [""]), f"- `{entry[1]}`: {entry[2]}"]
            listing = True
        else:
            found.append(f"  {line.strip()}" if listing else line)
    return "\n".join(found)


class ForetasteDocstrings(Extension):
    """Rewrites every docstring once it is read."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
