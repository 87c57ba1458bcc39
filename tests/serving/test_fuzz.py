"""No request of any form, right or wrong, makes a server error or an answer the description does not know."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from foretaste.serving.answering.engine import Engine
from foretaste.serving.http.app import create_app
from foretaste.serving.http.keys import KeyFile
from foretaste.serving.settings import Limits, ServerConfig
from serving.fuzz import fuzz


def test_every_operation_keeps_to_its_description(
    engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = KeyFile.of_project(tmp_path)
    secret = keys.create("fuzz", ("admin",)).secret
    limits = Limits(requests_per_second=1e6, refusals_per_second=1e6)
    app = create_app(engine, ServerConfig(host="0.0.0.0", limits=limits), keys)
    with caplog.at_level(logging.ERROR):
        found = fuzz(app, secret, examples=3, chains=2)
    assert found.failures == []
    assert sum(found.cases.values()) >= 100
    assert len(found.cases) >= 22
    assert not [status for status in found.statuses if status >= 500]
    assert 200 in found.statuses
    assert 422 in found.statuses
    assert "failed with" not in caplog.text
