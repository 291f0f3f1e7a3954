"""Single keys of the monitor: they only add, and can be switched off (WCAG 2.1.4)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import Desk, Desks, House
from tests.browser.monitor_page import dialog, row, shows, tick
from tests.browser.test_drawer import drawer, title
from tests.browser.test_refreshing import changed, refresh
from webapp.models import Test

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


@pytest.fixture
def exam(house: House) -> Test:
    """Three candidates."""
    exam = house.exam()
    for name in ("Ada", "Bob", "Cyd"):
        house.candidate(exam, name)
    return exam


@pytest.fixture
def desk(house: House, desks: Desks, exam: Test) -> Desk:
    desk = desks.desk(house)
    desk.sign_in_unseen(house.invigilator(exam), f"/monitor?test={exam.id}&sort=name")
    return desk


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def has_focus(page: Page, name: str) -> None:
    expect(row(page, name).get_by_role("link", name=name)).to_be_focused()


def test_rows_by_j_and_k_ticks_and_messages(house: House, desk: Desk) -> None:
    page = desk.page
    press(page, "j")
    has_focus(page, "Ada")
    press(page, "j", "j", "j", "k")
    has_focus(page, "Bob")
    changed(house, row(page, "Bob"), room="Room 99")
    refresh(page)
    expect(row(page, "Bob")).to_contain_text("Room 99")
    has_focus(page, "Bob")
    press(page, "m")
    expect(dialog(page)).to_contain_text("Bob")
    press(page, "Escape")
    expect(page.locator("dialog#compose")).to_be_hidden()
    press(page, "x")
    expect(tick(page, "Bob")).to_be_checked()
    press(page, "k", "x", "m")
    expect(dialog(page)).to_contain_text("To 2 people")


def test_enter_opens_and_the_drawer_follows(desk: Desk) -> None:
    page = desk.page
    press(page, "j", "Enter")
    expect(title(page)).to_have_text("Ada")
    press(page, "j")
    expect(title(page)).to_have_text("Bob")
    has_focus(page, "Bob")
    press(page, "Escape")
    expect(drawer(page)).to_be_hidden()
    has_focus(page, "Bob")


def test_they_do_nothing_while_somebody_types_or_with_other_keys_or_in_a_dialog(desk: Desk) -> None:
    page = desk.page
    field = page.get_by_role("searchbox", name="Search candidates")
    press(page, "/")
    expect(field).to_be_focused()
    page.keyboard.type("ajxm?/g")
    expect(field).to_have_value("ajxm?/g")
    field.fill("")
    shows(page, 3)
    field.blur()
    for keys in ("Control+j", "Alt+j", "Meta+j"):
        press(page, keys)
        expect(page.locator("tr[data-candidacy] a:focus")).to_have_count(0)
    press(page, "?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    press(page, "j", "x", "/")
    expect(sheet).to_be_visible()
    expect(field).not_to_be_focused()
    press(page, "Escape")
    expect(sheet).to_be_hidden()


@pytest.mark.nightly
def test_the_help_lists_them_and_the_button_opens_it(desk: Desk) -> None:
    page = desk.page
    press(page, "?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    keys = sheet.locator("kbd").all_inner_texts()
    assert set(keys) == {"/", "j", "k", "x", "m", "g", "s", "l", "?", "Enter", "Esc"}


@pytest.mark.nightly
def test_g_and_a_letter_lead_to_other_pages(desk: Desk) -> None:
    page = desk.page
    press(page, "g", "l")
    expect(page).to_have_url(re.compile("/log$"))
    page.go_back()
    press(page, "g", "x", "l")
    expect(page).to_have_url(re.compile("/monitor"))


@pytest.mark.nightly
def test_they_can_be_switched_off_on_a_device(house: House, desk: Desk) -> None:
    """The setting outlives signing out, which empties the browser's storage."""
    page = desk.page
    press(page, "?")
    page.get_by_label("Single-key shortcuts on this device").uncheck()
    press(page, "Escape", "j")
    expect(page.locator("tr[data-candidacy] a:focus")).to_have_count(0)
    page.reload()
    press(page, "j", "?")
    expect(page.locator("tr[data-candidacy] a:focus")).to_have_count(0)
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()
    cookie = next(each for each in desk.context.cookies() if each["name"] == "single-keys")
    assert cookie["expires"] > page.evaluate("Date.now() / 1000 + 300 * 24 * 3600")
