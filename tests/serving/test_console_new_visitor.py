"""Onboarding in the console: each choice changes the list and the next suggestions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from serving.conftest import running
from serving.test_console import SLOW_MS, browser, shown, wait_for_update

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from foretaste.serving.answering.engine import Engine

__all__ = ["browser"]


@pytest.fixture
def page(browser: Browser, engine: Engine) -> Iterator[Page]:
    with running(engine) as client, browser.new_context(base_url=str(client.base_url)) as context:
        context.set_default_timeout(SLOW_MS)
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/#guest")
        page.locator("#picks > [data-item]").first.wait_for()
        yield page
        assert complaints == []


def asked(page: Page) -> list[str]:
    return [str(card.get_attribute("data-item")) for card in page.locator("#picks > [data-item]").all()]


def parities(items: list[str]) -> set[int]:
    return {int(item[1:]) % 2 for item in items}


@pytest.mark.browser
def test_each_pick_changes_the_list_and_what_is_asked_next(page: Page) -> None:
    first = asked(page)
    assert len(first) == 12
    assert page.locator("#now").is_hidden()
    with page.expect_response(lambda answer: f"chosen={first[3]}" in answer.url):
        page.locator("#picks .take").nth(3).click()
    wait_for_update(page)
    page.locator(f'#picks > [data-item="{first[3]}"]').wait_for(state="detached")
    assert len(asked(page)) == 12
    assert first[3] not in shown(page)
    alike = [item for item in shown(page) if parities([item]) == parities([first[3]])]
    assert len(alike) > len(shown(page)) / 2
    beside = [page.locator(which).bounding_box() for which in ("#start", "#now")]
    assert beside[0] is not None
    assert beside[1] is not None
    assert beside[0]["y"] == beside[1]["y"], "the list stands beside the picks, and needs no scrolling"


@pytest.mark.browser
def test_a_label_is_pressed_and_released_by_the_keyboard(page: Page) -> None:
    comedy = page.locator("#labels button", has_text="Comedy")
    comedy.focus()
    page.keyboard.press("Enter")
    page.locator('#labels button[aria-pressed="true"]', has_text="Comedy").wait_for()
    wait_for_update(page)
    assert parities(shown(page)) == {0}, "even films are comedies"
    assert page.locator("#cards .reason").first.inner_text() == "Because you like Comedy"
    page.locator("#cards button.why").first.click()
    page.locator("#why .shares li", has_text="Because you like Comedy").wait_for()
    page.keyboard.press("Escape")
    pressed = page.locator('#labels button[aria-pressed="true"]')
    pressed.focus()
    page.keyboard.press("Enter")
    pressed.wait_for(state="detached")
    page.locator("#now").wait_for(state="hidden")
    assert page.locator("#labels button:focus").inner_text() == "Comedy", "the keyboard is not lost"


@pytest.mark.browser
def test_whoever_likes_none_of_these_is_shown_others_until_there_are_none(page: Page) -> None:
    before: list[str] = []
    while now := asked(page):
        assert not set(now) & set(before)
        before += now
        with page.expect_response("**/v1/onboarding*"):
            page.locator("#others").click()
        page.locator(f'#picks > [data-item="{now[0]}"]').wait_for(state="detached")
    assert len(before) == 60, "every film was taken by somebody"
    assert page.locator("#others").is_hidden()
    assert page.locator("#start-note").inner_text().startswith("There is nothing more to choose")


@pytest.mark.browser
def test_on_a_small_screen_the_next_picks_stand_in_one_row_above_the_list(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.locator("#picks .take").first.click()
    wait_for_update(page)
    cards = [card.bounding_box() for card in page.locator("#picks > [data-item]").all()]
    assert len({round(card["y"]) for card in cards if card is not None}) == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
