"""The folder privacy/ knows no event store: events/ builds on it, and never the other way round."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import foretaste.privacy

LIST_STORES = "import sys; print(*[name for name in sys.modules if name.startswith('foretaste.events')])"


def test_importing_everything_in_privacy_imports_nothing_of_events() -> None:
    modules = [f"foretaste.privacy.{module.name}" for module in pkgutil.iter_modules(foretaste.privacy.__path__)]
    command = [sys.executable, "-c", f"import {', '.join(modules)}; {LIST_STORES}"]
    loaded = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    assert loaded == []
