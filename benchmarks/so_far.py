"""How far a long benchmark is: a line for every step, and what it has found so far, which a kill does not take."""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FOLDER = Path("build/so-far")


class SoFar:
    def __init__(self, name: str) -> None:
        self.file = FOLDER / f"{name}.json"
        self._began = time.perf_counter()

    def keep(self, result: dict[str, object], step: str) -> None:
        """Write down the result as it is after this step."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        took = time.perf_counter() - self._began
        print(f"[{took:6.1f} s] {step}; so far: {self.file}", file=sys.stderr, flush=True)


def resumed(name: str, parts: Mapping[str, Callable[[], object]]) -> dict[str, object]:
    """What each part gives; one that an earlier, killed run has finished is read from FOLDER/NAME.json, not done again.

    Delete that file to begin anew.
    """
    so_far = SoFar(name)
    done: dict[str, object] = json.loads(so_far.file.read_text(encoding="utf-8")) if so_far.file.is_file() else {}
    for part, make in parts.items():
        if part not in done:
            done[part] = make()
            so_far.keep(done, part)
    so_far.file.unlink(missing_ok=True)
    return {part: done[part] for part in parts}


@contextmanager
def kept_or_temporary(folder: Path | None) -> Iterator[Path]:
    """The folder, made where it is not there; without one, one that is gone afterwards."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    else:
        with TemporaryDirectory() as name:
            yield Path(name)
