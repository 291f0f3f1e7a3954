"""Everything by keyboard alone, as invigilator and as candidate (R11, R20)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import Desks, House, is_live, notice
from tests.browser.monitor_page import dialog, quiet_bar, shows, was_sent
from tests.server import PASSWORD

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

FOCUSED = """() => {
  const here = document.activeElement;
  return [here.getAttribute('aria-label'), here.labels?.[0]?.textContent, here.innerText]
    .map((text) => (text ?? '').trim().replace(/\\\\s+/g, ' ')).find(Boolean) ?? '';
}"""


def tab_to(page: Page, name: str, key: str = "Tab", within: int = 80) -> None:
    """Press Tab until what has the focus is called so; it must show that it has the focus."""
    for _ in range(within):
        page.keyboard.press(key)
        if re.fullmatch(name, page.evaluate(FOCUSED), re.DOTALL):
            style = page.evaluate(
                "() => { const s = getComputedStyle(document.activeElement); return [s.outlineStyle, s.outlineWidth]; }"
            )
            assert style[0] != "none"
            assert style[1] != "0px"
            return
    raise AssertionError(f"{name} cannot be reached by {key}; last: {page.evaluate(FOCUSED)!r}")


def sign_in_by_keys(page: Page, username: str) -> None:
    """The form has the focus in its first field already."""
    expect(page.get_by_label("Username")).to_be_focused()
    page.keyboard.type(username)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).not_to_have_url(re.compile("/login"))
    page.wait_for_load_state()


def test_an_invigilator_signs_in_filters_selects_and_sends(house: House, desks: Desks) -> None:
    exam = house.exam()
    house.hall.candidacies(exam, 5)
    house.hall.candidacies(exam, 3, room="Room 7")
    ines = house.invigilator(exam)
    page = desks.desk(house).goto("/monitor")
    sign_in_by_keys(page, ines.username)
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "Skip to content"
    tab_to(page, "Search candidates")
    page.keyboard.type("room 7")
    shows(page, 3)
    tab_to(page, "Select Bulk .*")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowDown")
    bar = page.get_by_role("region", name="For the selected candidates")
    expect(bar).to_contain_text("2 selected")
    tab_to(page, "Message…")
    page.keyboard.press("Enter")
    form = dialog(page)
    expect(form.get_by_label("Subject")).to_be_focused()
    page.keyboard.press("Escape")
    expect(form).to_be_hidden()
    assert page.evaluate(FOCUSED) == "Message…"
    page.keyboard.press("Enter")
    form = dialog(page)
    expect(form.get_by_label("Subject")).to_be_focused()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Tab")
    page.keyboard.type("One line\nand another")
    tab_to(page, "Send to 2 people", within=12)
    page.keyboard.press("Enter")
    was_sent(form, 2)
    assert page.evaluate(FOCUSED) == "Message…"
    page.keyboard.press("F6")
    assert page.evaluate(FOCUSED) == "Open"
    page.keyboard.press("Escape")
    expect(quiet_bar(page)).to_be_hidden()
    assert page.evaluate(FOCUSED) == "Message…"
    tab_to(page, "Clear", within=8)
    page.keyboard.press("Enter")
    tab_to(page, r"Message 3…", key="Shift+Tab")
    page.keyboard.press("Enter")
    expect(dialog(page)).to_contain_text("To 3 people")
    tab_to(page, "Cancel", within=12)
    page.keyboard.press("Enter")
    expect(form).to_be_hidden()


def test_a_candidate_reads_and_closes_a_notice_writes_and_submits(house: House, desks: Desks) -> None:
    exam = house.exam()
    ada = house.candidate(exam, started_at=None)
    ines = house.over_http(house.invigilator(exam))
    page = desks.desk(house).goto("/")
    sign_in_by_keys(page, ada.username)
    tab_to(page, "Start the test")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/tests/"))
    is_live(page)
    tab_to(page, "Answer to question 1")
    page.keyboard.type("Because of ")
    ines.send("Read me", scope="filtered")
    expect(notice(page, "Read me")).to_be_visible()
    page.keyboard.press("F6")
    expect(notice(page, "Read me").get_by_role("button", name="Got it")).to_be_focused()
    page.keyboard.press("Enter")
    expect(notice(page, "Read me")).to_have_count(0)
    expect(page.get_by_role("textbox", name="Answer to question 1")).to_be_focused()
    page.keyboard.type("gravity.")
    expect(page.get_by_role("textbox", name="Answer to question 1")).to_have_value("Because of gravity.")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved")
    tab_to(page, "Submit the test…")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Submit")
    tab_to(page, "Submit now")
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_contain_text("Submitted")
    expect(page.get_by_role("textbox", name="Answer to question 1")).to_have_count(0)
