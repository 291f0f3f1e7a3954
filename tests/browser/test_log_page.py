"""The log: one search, its filters folded, and the proof of an entry where who wants it finds it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import Desks, House
from webapp.models import Role, User

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


def written(house: House) -> User:
    """A chief who has sent two messages to everybody in a room."""
    exam = house.exam()
    house.hall.candidacies(exam, 3)
    chief = house.invigilator(exam, role=Role.CHIEF_INVIGILATOR)
    for subject in ("Windows", "Water"):
        house.over_http(chief).send(subject, scope="filtered", room="Room 1")
    return chief


def entries(page: Page, *subjects: str) -> None:
    """These and no others are listed."""
    expect(page.locator(".log-line-summary")).to_have_text(list(subjects))


def test_one_search_that_filters_while_it_is_typed(house: House, desks: Desks) -> None:
    """Focus stays, the address holds it (R18), and *Today* and the folded filters go with it."""
    page = desks.desk(house).sign_in_unseen(written(house), "/log")
    entries(page, "Water", "Windows")
    expect(page.locator("[data-entry]").first).to_contain_text(re.compile(r"3 candidates.*Room: Room 1", re.DOTALL))
    field = page.get_by_role("searchbox", name="Search the log")
    field.press_sequentially("wat")
    entries(page, "Water")
    expect(field).to_be_focused()
    expect(page).to_have_url(re.compile(r"\bq=wat\b"))
    page.get_by_role("link", name="Today").click()
    entries(page, "Water")
    expect(page).to_have_url(re.compile(r"q=wat.*from=|from=.*q=wat"))
    expect(page.get_by_role("link", name="Today")).to_have_attribute("aria-current", "true")
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("Text", exact=True).fill("windows")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("[data-count]")).to_have_attribute("data-count", "0")
    page.get_by_role("link", name="Show all entries").click()
    entries(page, "Water", "Windows")


@pytest.mark.nightly
def test_without_javascript_the_search_is_a_form(house: House, scriptless: Desks) -> None:
    page = scriptless.desk(house).sign_in_unseen(written(house), "/log")
    page.get_by_role("searchbox", name="Search the log").fill("windows")
    page.keyboard.press("Enter")
    entries(page, "Windows")


def test_the_proof_of_an_entry_is_folded(house: House, desks: Desks) -> None:
    """On paper it is whole."""
    page = desks.desk(house).sign_in_unseen(written(house), "/log")
    page.locator("[data-entry] a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Message sent")
    proof = page.locator(".log-hash")
    expect(proof).to_be_hidden()
    page.emulate_media(media="print")
    expect(proof).to_be_visible()
    page.emulate_media(media="screen")
    page.get_by_text("Integrity").click()
    expect(proof).to_have_text(re.compile("^[0-9a-f]{64}$"))
