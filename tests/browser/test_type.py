"""The page's own font: asked for once, the figures of a time of one width, and nothing moves when it comes."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route

from tests.browser.house import Desks, House

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

PLACES = """[...document.querySelectorAll('main *')].map((part) => part.getBoundingClientRect())
  .filter((box) => box.width).map((box) => [box.top, box.height, box.width])"""


def places(page: Page) -> list[list[float]]:
    """Top, height and width of everything on the page."""
    return page.evaluate(PLACES)  # type: ignore[no-any-return]


def test_one_font_is_preloaded_and_its_digits_are_of_one_width(house: House, desks: Desks) -> None:
    """The preloaded file is the one that the sheet names; the others wait for letters that need them."""
    desk = desks.desk(house)
    asked: list[str] = []
    desk.context.on("request", lambda request: asked.append(request.url) if ".woff2" in request.url else None)
    page = desk.goto("/login")
    assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('14px Inter'))")
    assert len(asked) == 1
    assert "/inter-latin-wght-normal.woff2?v=" in asked[0]
    page = desk.sign_in(house.candidate(house.exam()))
    page.locator("main time:visible").first.wait_for()
    widths = page.evaluate("""document.fonts.ready.then(() => ["1111", "0000"].map((digits) => {
      const part = [...document.querySelectorAll("main time")].find((time) => time.checkVisibility());
      part.textContent = digits;
      return part.getBoundingClientRect().width;
    }))""")
    assert widths[0] > 0
    assert widths[0] == widths[1]


def test_nothing_moves_when_the_font_comes(house: House, desks: Desks) -> None:
    """What stands in for it until then takes the same place: each part's top and height, and nearly its width."""
    desk = desks.desk(house)
    held: list[Route] = []
    desk.context.route("**/*.woff2*", lambda route: held.append(route))  # noqa: PLW0108 Playwright marks it
    page = desk.context.new_page()
    page.goto(house.url + "/login", wait_until="commit")
    page.get_by_role("button", name="Sign in").wait_for()
    page.evaluate("new Promise((draw) => setTimeout(draw, 300))")
    before = places(page)
    for route in held:
        route.continue_()
    page.evaluate("document.fonts.ready")
    after = places(page)
    assert held
    assert len(before) == len(after) > 10
    for one, other in zip(before, after, strict=True):
        assert one[:2] == pytest.approx(other[:2], abs=1)
        assert one[2] == pytest.approx(other[2], rel=0.04, abs=2)
