"""The monitor as an invigilator uses it."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect


def rows(page: Page) -> Locator:
    """The candidates on this page of the list."""
    return page.locator("tr[data-candidacy]")


def row(page: Page, name: str) -> Locator:
    """One candidate's row."""
    return rows(page).filter(has=page.locator("th .name").get_by_text(name, exact=True))


def tick(page: Page, name: str) -> Locator:
    """One candidate's checkbox."""
    return page.get_by_role("checkbox", name=re.compile(rf"^Select {re.escape(name)} \("))


def search(page: Page, phrase: str, count: int) -> None:
    """Type into the search field and wait until so many match."""
    page.get_by_role("searchbox", name="Search candidates").fill(phrase)
    shows(page, count)


def shows(page: Page, count: int) -> None:
    """Wait until the count beside the list is this one."""
    expect(page.locator("#candidate-count")).to_have_attribute("data-count", str(count))


def open_filter(page: Page, field: str) -> Locator:
    """The values of a field, opened in the menu of filters."""
    menu = page.locator("#filter-menu")
    if menu.get_attribute("open") is None:
        menu.locator("summary").click()
    menu.locator(f'[data-field="{field}"]').click()
    values = menu.locator("[data-filter-values]")
    expect(values).to_be_visible()
    return values


def filter_by(page: Page, field: str, value: str) -> None:
    """Tick a value in the menu of filters, and close it."""
    open_filter(page, field).locator(f'input[name="{field}"][value="{value}"]').click()
    page.keyboard.press("Escape")


def dialog(page: Page) -> Locator:
    """The compose dialog, open."""
    opened = page.locator("dialog#compose")
    expect(opened).to_be_visible()
    return opened


def compose_for_one(page: Page, name: str) -> Locator:
    """Through the row's menu."""
    row(page, name).get_by_role("button", name=f"More for {name}").click()
    page.locator(".menu:popover-open").get_by_role("link", name="Message…").click()
    return dialog(page)


def compose_for_selected(page: Page) -> Locator:
    """Through the action bar."""
    page.get_by_role("region", name="For the selected candidates").get_by_role("button", name="Message…").click()
    return dialog(page)


def compose_for_all(page: Page) -> Locator:
    """Through the button of the tools, or of the dock on a small screen."""
    clear = page.locator("[data-clear-selection]")
    if clear.is_visible():  # with rows ticked the button is for these
        clear.click()
    message_all(page).click()
    return dialog(page)


def message_all(page: Page) -> Locator:
    """The button for everybody in the list."""
    return page.get_by_role("link", name=re.compile(r"^Message (\d|all)"))


def write(form: Locator, subject: str, body: str = "Read this, please.") -> None:
    """Fill the form in."""
    form.get_by_label("Subject").fill(subject)
    form.get_by_label("Message", exact=True).fill(body)


def press_send(form: Locator) -> None:
    """The button that sends; twice where it asks for that."""
    button = form.locator("[data-send]")
    wants_two = button.get_attribute("data-again") is not None
    form.get_by_role("button", name="Send to").click()
    if wants_two:
        expect(button).to_contain_text("Press again")
        form.page.wait_for_timeout(500)  # sooner it would be a double click
        button.click()


def quiet_bar(page: Page) -> Locator:
    """What tells of a sending when its sheet has closed."""
    return page.locator("[data-quiet-bar]")


def was_sent(form: Locator, persons: int) -> None:
    """The sheet closes, and the word of success stands in the bar, with the number reached (trap 22)."""
    word = "person" if persons == 1 else "people"
    expect(quiet_bar(form.page)).to_contain_text(f"Sent to {persons:,} {word}")
    expect(form).to_be_hidden()
