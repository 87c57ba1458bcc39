"""The console asks for a key where the service needs one, and keeps it in its tab only."""

from __future__ import annotations

from pathlib import Path

import pytest

from foretaste.serving.answering.engine import Engine
from foretaste.serving.http.keys import KeyFile
from serving.conftest import running
from serving.test_console import browser

__all__ = ["browser"]


@pytest.mark.browser
def test_with_the_right_key_it_opens(browser: object, engine: Engine, tmp_path: Path) -> None:
    keys = KeyFile.of_project(tmp_path)
    secret = keys.create("me", ("read", "write")).secret
    with running(engine, keys=keys) as client, browser.new_context(base_url=str(client.base_url)) as context:  # type: ignore[attr-defined]
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.goto("/")
        field = page.get_by_label("API key")
        field.wait_for()
        assert field.get_attribute("type") == "password"
        assert page.locator("#cards [data-item]").count() == 0
        field.fill("ft_000000000000_wrong")
        page.get_by_role("button", name="Use it").click()
        page.get_by_text("This needs an API key").wait_for()
        field.fill(secret)
        page.get_by_role("button", name="Use it").click()
        page.locator("#cards [data-item]").first.wait_for()
        assert not field.is_visible()
        assert secret not in page.content()
        assert page.evaluate("localStorage.length") == 0
        page.reload()
        page.locator("#cards [data-item]").first.wait_for()  # the tab remembers it
