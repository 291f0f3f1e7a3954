"""Selecting: what the bar says is what is sent to, all of a filter is the filter, and what one clears comes back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from tests.browser.house import Desks, House
from tests.browser.monitor_page import compose_for_selected, filter_by, press_send, rows, shows, was_sent, write
from tests.browser.test_refreshing import refresh
from webapp.models import Message, Test

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


@pytest.fixture
def exam(house: House) -> Test:
    """320 candidates, 60 of them in another room."""
    exam = house.exam()
    house.hall.candidacies(exam, 260, room="Aula")
    house.hall.candidacies(exam, 60, room="Annex")
    return exam


@pytest.fixture
def page(house: House, desks: Desks, exam: Test) -> Page:
    """The monitor."""
    return desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor")


def bar(page: Page) -> Locator:
    """What stands at the bottom while something is selected."""
    return page.get_by_role("region", name="For the selected candidates")


def says(page: Page, words: str) -> None:
    """In the bar, and to screen readers."""
    expect(bar(page)).to_contain_text(words)
    expect(page.locator("[data-selection-status]")).to_contain_text(words)


def head(page: Page) -> Locator:
    """The tick box in the table's head."""
    return page.get_by_role("checkbox", name="Select all on this page")


def filter_room(page: Page, room: str) -> None:
    """Tick a room's box, and let the menu close."""
    filter_by(page, "room", room)


def test_r17_all_of_the_filter_is_the_filter_and_not_its_ids(house: House, page: Page, exam: Test) -> None:
    """By keyboard: the box takes a page and says so, the button takes all, also those who come later."""
    head(page).press("Space")
    says(page, "All 50 on this page are selected")
    bar(page).get_by_role("button", name="Select all 320").press("Enter")
    says(page, "All 320 candidates are selected")
    expect(bar(page).get_by_role("button", name="Message…")).to_be_focused()
    page.get_by_role("link", name="Page 2", exact=True).click()
    expect(page).to_have_url(re.compile("page=2"))
    expect(rows(page).locator("input:checked")).to_have_count(50)
    house.candidate(exam, "Late")
    refresh(page)
    says(page, "All 321 candidates are selected")
    page.reload()
    says(page, "All 321 candidates are selected")
    expect(head(page)).to_be_checked()
    page.keyboard.press("Tab")
    form = compose_for_selected(page)
    expect(form).to_contain_text("To 321 people")
    expect(form.locator("input[name=candidate]")).to_have_count(0)
    expect(form.locator("input[name=scope]")).to_have_value("filtered")
    write(form, f"All {exam.id}")
    press_send(form)
    was_sent(form, 321)
    sent = house.fresh().scalars(select(Message.audience).where(Message.subject == f"All {exam.id}")).one()
    assert '"scope": "filtered"' in sent


def test_all_of_a_filter_goes_along_with_that_filter(page: Page) -> None:
    filter_room(page, "Annex")
    shows(page, 60)
    head(page).check()
    bar(page).get_by_role("button", name="Select all 60").click()
    says(page, "All 60 of this filter are selected")
    form = compose_for_selected(page)
    expect(form).to_contain_text(re.compile("To 60 people.*Room: Annex", re.DOTALL))


def test_one_taken_out_of_all_leaves_this_page_and_says_so(page: Page) -> None:
    """The rest of 320 have no boxes here to be named by; the way back to all of them stands beside the words."""
    head(page).check()
    bar(page).get_by_role("button", name="Select all 320").click()
    rows(page).nth(3).get_by_role("checkbox").uncheck()
    says(page, "49 selected Only on this page: those on other pages are no longer selected.")
    expect(compose_for_selected(page)).to_contain_text("To 49 people")
    page.keyboard.press("Escape")
    bar(page).get_by_role("button", name="Select all 320").click()
    says(page, "All 320 candidates are selected")
    head(page).uncheck()
    expect(bar(page)).to_be_hidden()
    expect(rows(page).locator("input:checked")).to_have_count(0)
    page.get_by_role("link", name="Page 2", exact=True).click()
    expect(page).to_have_url(re.compile("page=2"))
    expect(rows(page).locator("input:checked")).to_have_count(0)


def test_over_pages_both_numbers_are_said(page: Page) -> None:
    head(page).check()
    page.get_by_role("link", name="Page 2", exact=True).click()
    expect(page).to_have_url(re.compile("page=2"))
    rows(page).nth(0).get_by_role("checkbox").check()
    says(page, "51 selected 50 of them not on this page")
    expect(bar(page).get_by_role("button", name="Select all")).to_be_hidden()
    head(page).check()
    says(page, "100 selected 50 of them not on this page")
    expect(bar(page).get_by_role("button", name="Select all 320")).to_be_visible()
    expect(compose_for_selected(page)).to_contain_text("To 100 people")


@pytest.mark.nightly
@pytest.mark.parametrize("all_of_them", [False, True])
def test_what_another_filter_clears_comes_back_with_the_last_one(page: Page, all_of_them: bool) -> None:
    page.get_by_role("link", name="Page 2", exact=True).click()
    expect(page).to_have_url(re.compile("page=2"))
    head(page).check()
    if all_of_them:
        bar(page).get_by_role("button", name="Select all 320").click()
    filter_room(page, "Annex")
    shows(page, 60)
    line = page.locator("[data-cleared]")
    words = "everybody in the last one" if all_of_them else "50 candidates"
    expect(line).to_contain_text(f"has cleared your selection of {words}")
    expect(page.locator("[data-selection-status]")).to_contain_text(words)
    expect(bar(page)).to_be_hidden()
    expect(rows(page).locator("input:checked")).to_have_count(0)
    page.reload()
    line.get_by_role("link", name="Undo").press("Enter")
    shows(page, 320)
    expect(line).to_be_hidden()
    expect(page).to_have_url(re.compile("page=2"))
    expect(page.locator(".chips li.chip")).to_have_count(0)
    says(page, "All 320 candidates are selected" if all_of_them else "All 50 on this page are selected")
    expect(rows(page).locator("input:checked")).to_have_count(50)


@pytest.mark.nightly
def test_the_line_goes_with_the_next_selection_or_when_it_is_closed(page: Page) -> None:
    rows(page).nth(0).get_by_role("checkbox").check()
    line = page.locator("[data-cleared]")
    for _ in range(2):
        filter_room(page, "Annex")
        expect(line).to_contain_text("selection of one candidate")
    shows(page, 320)  # the filter is as it was; nothing comes back unasked
    expect(rows(page).locator("input:checked")).to_have_count(0)
    line.get_by_role("link", name="Undo").click()
    says(page, "1 selected")
    filter_room(page, "Annex")
    line.get_by_role("button", name="Close").click()
    expect(line).to_be_hidden()
    expect(head(page)).to_be_focused()
    rows(page).nth(0).get_by_role("checkbox").check()
    filter_room(page, "Annex")
    expect(line).to_be_visible()
    rows(page).nth(0).get_by_role("checkbox").check()
    expect(line).to_be_hidden()
    says(page, "1 selected")
