"""A licence is shown once, accepted by a person once, and the acceptance is written down beside the cache."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from foretaste.errors import DataError
from foretaste.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from foretaste.data.sources.source import Source

VARIABLE = "FORETASTE_ACCEPT_LICENCE"
"""1 for every data set, or names with commas between: movielens-1m,gowalla."""
RECORD = "licences.json"


def ensure_accepted(name: str, source: Source, root: Path, accept: bool) -> None:
    """Return if the licence of this data set is accepted, now or before; ask on a terminal; else say how to.

    A licence that has changed since is asked for again.
    """
    record = _record(root)
    if record.get(name, {}).get("licence") == source.licence:
        return
    shown = f"{name}: {source.licence}\nTerms: {source.terms}"
    if accept or _named(name, os.environ.get(VARIABLE, "")):
        print(shown, file=sys.stderr)
        how = "--accept-licence" if accept else VARIABLE
    elif sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty():
        print(shown, file=sys.stderr)
        print("Do you accept these terms? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise DataError(f"The licence of {name} was not accepted, so nothing was fetched.")
        how = "terminal"
    else:
        raise DataError(
            f"{name} may be fetched once its licence is accepted ({source.terms}). {source.licence} "
            f"Accept it with: foretaste sources {name} --accept-licence, or accept_licence=True, or {VARIABLE}={name}."
        )
    record[name] = {
        "licence": source.licence,
        "terms": source.terms,
        "accepted": datetime.now(UTC).isoformat(timespec="seconds"),
        "how": how,
    }
    root.mkdir(parents=True, exist_ok=True)
    write_atomically(root / RECORD, json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def accepted(root: Path, name: str) -> str | None:
    """When this licence was accepted, None if it was not."""
    return _record(root).get(name, {}).get("accepted")


def _record(root: Path) -> dict[str, dict[str, str]]:
    try:
        found: dict[str, dict[str, str]] = json.loads((root / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        raise DataError(f"{root / RECORD} is damaged; delete it, and licences are asked for again.") from None
    return found


def _named(name: str, value: str) -> bool:
    words = {word.strip().lower() for word in value.split(",")}
    return bool(words & {"1", "true", "yes", "all", name})
