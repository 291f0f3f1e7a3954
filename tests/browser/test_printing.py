"""What goes on paper: whole lists without controls, the message center, an entry with all its recipients."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.house import Desks, House, is_live
from tests.browser.monitor_page import rows
from webapp.models import Role

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]
LONG = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch" * 3
CONTROLS = "button, select, input, textarea, nav, .button, [popover], a.menu-item"
PAGE_WIDTH = 1040
"""CSS px of an A4 sheet on its side between its margins."""


@contextmanager
def on_paper(page: Page) -> Iterator[None]:
    """The page as the printer gets it."""
    screen = page.viewport_size
    assert screen
    page.set_viewport_size({"width": PAGE_WIDTH, "height": 700})
    page.emulate_media(media="print")
    yield
    page.emulate_media(media="screen")
    page.set_viewport_size(screen)


def has_no_controls(page: Page) -> None:
    """Nothing that can be pressed is printed."""
    seen: list[str] = page.locator(CONTROLS).evaluate_all(
        "all => all.filter(one => one.checkVisibility()).map(one => one.outerHTML.slice(0, 80))"
    )
    assert not seen


def is_whole(page: Page, last: Locator) -> None:
    """Nothing is cut off by a frame that scrolls, sideways or at its end."""
    cut: list[str] = page.locator("main *").evaluate_all(
        """all => all.filter(one => one.checkVisibility() && one.closest('table, .inbox, .log')
          && getComputedStyle(one).overflow !== 'visible' && !one.closest('svg, .visually-hidden')
          && (one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1))
          .map(one => one.outerHTML.slice(0, 80))"""
    )
    assert not cut
    wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window
    bottom = page.evaluate("document.documentElement.scrollHeight")
    box = last.bounding_box()
    assert box
    assert box["y"] + box["height"] <= bottom + page.evaluate("scrollY") + 1


def test_r17_the_whole_list_of_the_filter(house: House, desks: Desks) -> None:
    """All 120 of it with the columns that were chosen, in their order; the filter in words and the time."""
    exam = house.exam(f"Algebra {LONG[:60]}")
    house.hall.candidacies(exam, 119, room="Hall 2")
    house.hall.candidacies(exam, 10, room="Hall 3")
    house.candidate(exam, f"Ada {LONG[:100]}", room="Hall 2")
    desk = desks.desk(house)
    page = desk.sign_in_unseen(
        house.invigilator(exam), "/monitor?room=Hall+2&column=room&column=name&column=saved&sort=-number"
    )
    page.get_by_role("button", name="More for this list").click()
    with desk.context.expect_page() as opened:
        page.get_by_role("link", name="Print list").click()
    paper = opened.value
    paper.wait_for_load_state()
    expect(rows(paper)).to_have_count(120)
    assert paper.locator("thead th").all_inner_texts() == ["Room", "Name", "Saved"]
    expect(paper.get_by_role("button", name="Print")).to_be_visible()
    assert rows(paper).first.get_attribute("data-candidacy") == rows(page).first.get_attribute("data-candidacy")
    with on_paper(paper):
        has_no_controls(paper)
        is_whole(paper, rows(paper).last)
        expect(paper.get_by_role("main")).to_contain_text("120 candidates")
        expect(paper.get_by_role("main")).to_contain_text("Room: Hall 2")
        assert paper.locator("thead").evaluate("head => getComputedStyle(head).display") == "table-header-group"
    paper.get_by_role("link", name="Back").click()
    expect(paper).to_have_url(re.compile(r"/monitor\?room=Hall"))


@pytest.mark.nightly
def test_all_columns_fit(house: House, desks: Desks) -> None:
    exam = house.exam(f"Algebra {LONG[:60]}")
    house.candidate(exam, f"Ada {LONG[:100]}", room=LONG[:80], group_name=LONG[:80])
    desk = desks.desk(house)
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor")
    every = page.locator("[data-columns-form] input[name=column]").evaluate_all("all => all.map(one => one.value)")
    assert len(every) > 20
    page.goto(f"{house.url}/monitor/print?" + "&".join(f"column={key}" for key in every))
    with on_paper(page):
        is_whole(page, rows(page).last)


def test_the_monitor_itself_is_printed_cleanly_and_says_what_is_missing(house: House, desks: Desks) -> None:
    exam = house.exam()
    house.hall.candidacies(exam, 60)
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor")
    with on_paper(page):
        has_no_controls(page)
        is_whole(page, rows(page).last)
        expect(page.get_by_text("prints all 60")).to_be_visible()
    expect(page.get_by_text("prints all 60")).to_be_hidden()


@pytest.mark.nightly
def test_r12_the_message_center_is_printed_whole(house: House, desks: Desks) -> None:
    """On its own page and on the dashboard."""
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    for number in range(12):
        ines.send(f"{number} {LONG}"[:120], scope="filtered")
    desk = desks.desk(house)
    for path in ("/inbox", "/"):
        page = desk.sign_in_unseen(ada, path)
        is_live(page)
        with on_paper(page):
            has_no_controls(page)
            expect(page.locator("[data-message]")).to_have_count(12)
            is_whole(page, page.locator("[data-message]").last)
            assert page.evaluate("document.documentElement.scrollHeight") > 1200, "it is not cut at the window's end"


@pytest.mark.nightly
def test_r14_the_log_is_printed_whole(house: House, desks: Desks) -> None:
    """All pages of its filter; an entry with everybody it went to."""
    exam = house.exam()
    house.hall.candidacies(exam, 70)
    chief = house.invigilator(exam, role=Role.CHIEF_INVIGILATOR)
    ines = house.over_http(chief)
    for number in range(53):
        ines.send(f"Subject {number} {LONG}"[:120], scope="filtered")
    ines.send("Another", scope="filtered")
    desk = desks.desk(house)
    page = desk.sign_in_unseen(chief, "/log?text=Subject")
    with on_paper(page):
        has_no_controls(page)
        is_whole(page, page.locator("[data-entry]").last)
        expect(page.get_by_text("prints all 53")).to_be_visible()
    with desk.context.expect_page() as opened:
        page.get_by_role("link", name="Print list").click()
    paper = opened.value
    paper.wait_for_load_state()
    with on_paper(paper):
        has_no_controls(paper)
        expect(paper.locator("[data-entry]")).to_have_count(53)
        expect(paper.get_by_role("main")).to_contain_text("Text: Subject")
        expect(paper.locator("[data-entry]").last).to_contain_text("Body of Subject 0")
        is_whole(paper, paper.locator("[data-entry]").last)
    page.locator("[data-entry] a").first.click()
    with on_paper(page):
        has_no_controls(page)
        expect(rows(page)).to_have_count(70)
        is_whole(page, rows(page).last)
