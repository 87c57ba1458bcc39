"""The page, as a newcomer meets it: a real browser against a real service.

`live_server` (tests/conftest.py) gives the address of a service on a small world whose event kinds hide what was done.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import foretaste.serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Locator, Page, Request, Route

CONSOLE = Path(foretaste.serving.__file__).parent / "console"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOSTILE = """<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'"];`"""
SLOW_MS = 10_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as tools:
        chromium = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, live_server: str) -> Iterator[Page]:
    """An open page; the test fails if the browser complains of anything, or anything is fetched from elsewhere."""
    with browser.new_context(base_url=live_server, viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(SLOW_MS)
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: requested.append(request.url))
        requested: list[str] = []
        page.goto("/")
        page.locator("#cards [data-item]").first.wait_for()
        yield page
        page.unroute_all(behavior="ignoreErrors")  # what a test changed of the answers may still be under way
        expected = [text for text in complaints if "Failed to load resource" in text]
        assert complaints == expected, complaints
        assert not [url for url in requested if not url.startswith(live_server)]


def shown(page: Page) -> list[str]:
    """The ids of the recommended items, best first."""
    return [str(card.get_attribute("data-item")) for card in page.locator("#cards > [data-item]").all()]


def wait_for_update(page: Page) -> None:
    page.locator("#status", has_text=re.compile(r"^List (updated|made) in")).wait_for()


def person(page: Page, at: int) -> Locator:
    return page.locator("#people-list button").nth(at)


def with_title(title: str) -> Callable[[Route], None]:
    """The service's own answers, with another title everywhere in them."""

    def change(route: Route) -> None:
        answer = route.fetch()
        body: dict[str, Any] = answer.json()
        for item in [*body.get("items", []), *body.get("history", [])]:
            item["title"] = title
            item["columns"] = {"labels": [title], "note": title}
            for reason in item.get("reasons") or []:
                reason["title"] = reason["text"] = title
        route.fulfill(response=answer, body=json.dumps(body))

    return change


@pytest.mark.browser
def test_choosing_a_person_shows_what_they_did_and_what_comes_next(page: Page) -> None:
    chosen = person(page, 1)
    name = chosen.get_attribute("data-person")
    chosen.click()
    page.locator("#person-name", has_text=name).wait_for()
    page.locator("#history > [data-item]").first.wait_for()
    page.locator("#cards > [data-item]").first.wait_for()
    assert chosen.get_attribute("aria-current") == "true"
    assert page.locator("#cards .reason").first.inner_text().strip()
    page.go_back()
    page.locator("#person-name", has_text=person(page, 0).get_attribute("data-person")).wait_for()


@pytest.mark.browser
def test_a_click_changes_the_list_at_once_and_counts_once(page: Page) -> None:
    events: list[Request] = []
    loads: list[object] = []
    page.on("request", lambda request: events.append(request) if request.url.endswith("/v1/events") else None)
    page.on("load", lambda loaded: loads.append(loaded))
    before = shown(page)
    page.locator("#cards .take").first.dblclick()
    wait_for_update(page)
    page.locator(f'#history > [data-item="{before[0]}"]').wait_for()
    after = shown(page)
    assert before[0] not in after
    assert after != before
    assert not loads
    sent = [event for request in events for event in request.post_data_json["events"]]
    assert [event["item"] for event in sent].count(before[0]) == 1, "a double click is one event"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", sent[0]["id"])


@pytest.mark.browser
def test_an_event_whose_answer_was_lost_is_sent_again_and_counts_once(page: Page) -> None:
    name = person(page, 0).get_attribute("data-person")
    profile = f"/v1/users/{name}/profile"
    events_before = page.request.get(profile).json()["events"]
    ids: list[str] = []

    def lose_the_first_answer(route: Route) -> None:
        ids.append(route.request.post_data_json["events"][0]["id"])
        answer = route.fetch()  # the service has it …
        if len(ids) == 1:
            route.abort()  # … and the page never hears so
        else:
            route.fulfill(response=answer)

    page.route("**/v1/events", lose_the_first_answer)
    taken = shown(page)[0]
    page.locator("#cards .take").first.click()
    page.locator("#trouble", has_text="The service does not answer. Is `foretaste serve` running?").wait_for()
    page.locator("#trouble-retry").click()
    wait_for_update(page)
    assert ids[0] == ids[1]
    assert page.request.get(profile).json()["events"] == events_before + 1
    assert taken not in shown(page)
    assert page.locator("#trouble").is_hidden()


@pytest.mark.browser
def test_why_shows_the_reasons_the_sources_and_similar_items(page: Page) -> None:
    reason = page.locator("#cards .reason").first.inner_text()
    page.locator("#cards button.why").first.click()
    panel = page.locator("dialog#why[open]")
    panel.wait_for()
    because = panel.locator(".shares li, .plain-reason").first.inner_text()
    assert because.split("\n")[0] in reason or reason in because
    assert panel.locator(".found tbody tr").count() >= 1
    panel.locator(".similar .take, .similar .note:not([role])").first.wait_for()
    page.keyboard.press("Escape")
    panel.wait_for(state="detached")


@pytest.mark.browser
def test_a_hostile_title_is_only_text(page: Page) -> None:
    page.route(re.compile("/(profile|recommendations|similar)"), with_title(HOSTILE))
    page.reload()
    page.locator("#cards .lettering", has_text=HOSTILE).first.wait_for()
    page.locator("#history .past-title", has_text=HOSTILE).first.wait_for()
    page.locator("#cards button.why").first.click()
    page.locator("#why h2", has_text=HOSTILE).wait_for()
    assert page.locator("main img, main script, dialog img, dialog script").count() == 0
    assert page.evaluate("window.pwned") is None


@pytest.mark.browser
def test_someone_new_picks_and_takes_back_and_nothing_is_stored(page: Page) -> None:
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    page.locator("#guest").click()
    page.locator("#picks .take").nth(1).click()
    page.locator("#cards > [data-item]").first.wait_for()
    picked = page.locator("#history > [data-item]").get_attribute("data-item")
    assert picked not in shown(page)
    page.locator("#history .remove").click()
    page.locator("#now").wait_for(state="hidden")
    assert posted
    assert all(url.endswith("/v1/recommendations") for url in posted)


@pytest.mark.browser
def test_the_curl_command_asks_for_the_list_on_the_page(page: Page) -> None:
    page.locator("#hood-button").click()
    command = page.locator("#hood pre").inner_text()
    url = re.fullmatch(r"curl -s '([^']+)'", command)
    assert url, command
    assert [item["id"] for item in page.request.get(url[1]).json()["items"]] == shown(page)
    assert page.locator(".waterfall tbody tr").count() >= 1
    page.keyboard.press("Escape")
    page.locator("#hood").wait_for(state="hidden")


@pytest.mark.browser
def test_it_works_from_the_keyboard(page: Page) -> None:
    second = person(page, 1).get_attribute("data-person")
    page.locator("#people-query").focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    page.locator("#person-name", has_text=second).wait_for()
    page.locator("#people-query").fill("nobody-by-that-name")
    page.keyboard.press("Enter")
    page.locator("#person-note", has_text="No events yet").wait_for()
    page.locator("#cards .take").first.focus()
    page.keyboard.press("Enter")
    wait_for_update(page)
    focused = page.locator("#cards .take:focus")
    focused.wait_for()  # the card is gone, the keyboard is not lost


@pytest.mark.browser
def test_a_silent_service_is_said_so_and_tried_again(page: Page) -> None:
    page.route("**/v1/**", lambda route: route.abort())
    page.reload()
    page.locator("#trouble", has_text="Is `foretaste serve` running?").wait_for()
    assert page.locator(".skeleton").count() == 0
    page.unroute("**/v1/**")
    page.locator("#trouble-retry").click()
    page.locator("#cards > [data-item]").first.wait_for()
    assert page.locator("#trouble").is_hidden()


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_sticks_out_sideways(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for title in ("short", "Donaudampfschifffahrtsgesellschaft" * 4):
        page.route(re.compile("/(profile|recommendations)"), with_title(title))
        page.reload()
        page.locator("#cards .lettering", has_text=title).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.unroute_all()


def test_the_files_need_no_inline_code_no_markup_from_data_and_no_network() -> None:
    html = (CONSOLE / "index.html").read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html)
    for file in CONSOLE.iterdir():
        text = file.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            file
        )
        assert not re.search(r"(src|href)=\"https?:|url\(['\"]?https?:|@import|from \"https?:", text), file
    for name in re.findall(r'(?:src|href)="/console/([^"]+)"', html):
        assert (CONSOLE / name).is_file(), name
