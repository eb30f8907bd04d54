"""The page for people at /docs, in a real browser that reaches nothing but the bridge."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from aibridge.contract import SiteRole
from tests.bridge import Bridge, serve


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    with serve(tmp_path, []) as bridge:
        yield bridge


def test_the_page_shows_every_operation_and_asks_nothing_of_others(
    bridge: Bridge, page: Page
) -> None:
    asked: list[str] = []
    trouble: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto(f"{bridge.url}/docs")
    expect(page.get_by_role("heading", name="AI Bridge")).to_be_visible()
    described = httpx.get(f"{bridge.url}/openapi.json").json()["paths"].values()
    expect(page.locator(".opblock")).to_have_count(sum(len(path) for path in described))
    assert trouble == []
    assert all(url.startswith((bridge.url, "data:")) for url in asked), asked


def test_a_person_tries_a_route_with_their_token(bridge: Bridge, page: Page) -> None:
    token = bridge.add_user("root", SiteRole.OWNER)
    page.goto(f"{bridge.url}/docs")
    page.get_by_role("button", name="Authorize").click()
    page.get_by_label("Value:").first.fill(token)
    page.get_by_role("button", name="Apply credentials").first.click()
    page.get_by_role("button", name="Close").first.click()
    route = page.locator("#operations-users-show_user")
    route.click()
    route.get_by_role("button", name="Try it out").click()
    route.get_by_placeholder("user").fill("me")
    route.get_by_role("button", name="Execute").click()
    expect(route.locator(".live-responses-table")).to_contain_text('"username": "root"')
