"""The bar above the pages of staff: one line, true while time goes on, and nothing moves for it (R19)."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import CUT, Desks, House
from tests.browser.monitor_page import rows
from tests.browser.test_small_screens import fits, in_reach
from webapp.clock import utcnow
from webapp.models import Role

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

BAR = 48
LONG = "An introduction to the history of everything that was ever written down"


def filtered(page: Page, query: str) -> None:
    """What a control of the list does."""
    page.evaluate("async (query) => (await import('/static/js/monitor-view.js')).want(query)", query)


def is_one_line(page: Page) -> None:
    """48 px, with everything in it inside the window and nothing over something else."""
    bar = page.get_by_role("banner")
    box = bar.bounding_box()
    assert box
    assert (box["y"], box["height"]) == (0, BAR)
    parts = bar.locator(":scope > *").evaluate_all(
        "parts => parts.map(part => part.getBoundingClientRect()).filter(box => box.width)"
        ".map(box => [box.left, box.right, box.top, box.bottom])"
    )
    for left, right, top, bottom in parts:
        assert 0 <= top <= bottom <= BAR, parts
        assert left >= 0, parts
        assert right <= page.viewport_size["width"], parts  # type: ignore[index]
    in_order = sorted(parts)
    assert all(one[1] <= other[0] + 0.5 for one, other in pairwise(in_order)), parts


def test_one_line_at_every_width_and_the_way_to_every_test(house: House, desks: Desks) -> None:
    """The title gives way; on a phone the pages are in the person's menu."""
    exam, other = house.exam(LONG), house.exam("Law")
    for one in (exam, other):
        house.hall.candidacies(one, 2)
    chief = house.invigilator(exam, other, name="Anna Lundgren Wang", role=Role.CHIEF_INVIGILATOR)
    page = desks.desk(house).sign_in_unseen(chief, f"/monitor?test={exam.id}")
    for width in (1440, 820, 390):
        page.set_viewport_size({"width": width, "height": 800})
        is_one_line(page)
        fits(page, f"{width} px")
        expect(page.locator("[data-bar-left]")).to_have_text(re.compile(r"^\d h \d+ min left$"))
        if width > 1024:
            expect(page.get_by_role("link", name="Log", exact=True)).to_be_visible()
            continue
        page.locator("details.account > summary").click()
        in_reach(page.get_by_role("link", name="Log", exact=True), f"{width} px")
        page.keyboard.press("Escape")
    page.locator("details.test-switch > summary").click()
    page.get_by_role("link", name=other.title).click()
    expect(page).to_have_url(re.compile(rf"test={other.id}\b"))
    expect(page.locator("[data-bar-title]")).to_have_text(other.title)


def test_the_bar_follows_the_filter_and_the_clock(house: House, desks: Desks) -> None:
    """Other pages name the tests that the list was last about."""
    exam = house.exam(ends_at=utcnow() + timedelta(hours=2, minutes=30))
    other = house.exam("Law", ends_at=utcnow() + timedelta(hours=5, minutes=30))
    for one in (exam, other):
        house.hall.candidacies(one, 2)
    desk = desks.desk(house)
    desk.expects(*CUT)
    page = desk.sign_in_unseen(house.invigilator(exam, other), "/monitor")
    title, left = page.locator("[data-bar-title]"), page.locator("[data-bar-left]")
    expect(title).to_have_text("All my tests")
    expect(left).to_have_text(re.compile(r"^2 h (30|29) min left$"))
    filtered(page, f"test={other.id}")
    expect(page.locator("#candidates")).to_have_attribute("data-query", re.compile(f"test={other.id}"))
    expect(title).to_have_text(other.title, timeout=2_000)  # with the list, not at the next minute
    expect(left).to_have_text(re.compile(r"^5 h (30|29) min left$"))
    expect(page.locator(f'[data-bar-test="{other.id}"]')).to_have_attribute("aria-current", "true")
    page.clock.install()
    page.get_by_role("link", name="Log", exact=True).click()
    expect(title).to_have_text(other.title)
    expect(left).to_have_text(re.compile(r"^5 h (30|29) min left$"))
    desk.context.set_offline(True)  # an answer would bring the server's time, which has not gone forward
    page.clock.fast_forward(20 * 60_000)
    expect(left).to_have_text(re.compile(r"^5 h (10|9) min left$"))


@pytest.mark.nightly
def test_r19_that_the_list_is_not_live_moves_nothing(house: House, desks: Desks) -> None:
    """At every width the words stand in the bar, and the rows stay where they are."""
    exam = house.exam(LONG)
    house.hall.candidacies(exam, 5)
    desk = desks.desk(house)
    desk.expects(*CUT)
    page = desk.sign_in_unseen(house.invigilator(exam, name="Ines"), "/monitor")
    expect(rows(page)).to_have_count(5)
    problem = page.locator("[data-connection-box]")
    for width in (1440, 820, 390):
        page.set_viewport_size({"width": width, "height": 800})
        place = rows(page).first.bounding_box()
        desk.context.set_offline(True)
        expect(problem).to_be_visible()
        expect(problem).to_contain_text("No connection to the server")
        expect(problem).to_contain_text(re.compile(r"\d\d:\d\d:\d\d"))
        is_one_line(page)
        box = problem.bounding_box()
        assert box
        assert 0 <= box["y"] < box["y"] + box["height"] <= BAR
        assert rows(page).first.bounding_box() == place
        desk.context.set_offline(False)
        expect(problem).to_be_hidden()
        assert rows(page).first.bounding_box() == place
