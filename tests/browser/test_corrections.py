"""R30, R9, R11: corrections, withdrawn and important messages on candidates' pages, and the way to them for staff."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import Clean
from tests.browser.house import CUT, Desk, Desks, House, is_live, notice
from tests.browser.monitor_page import compose_for_all, press_send, quiet_bar, write
from tests.server import Person
from webapp.models import Role, User

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]
ORDER = "(list) => [...list.querySelectorAll('[data-notice]')].map((notice) => notice.dataset.notice)"


def number_of(page: Page, subject: str) -> str:
    """The number of the notice with this subject, once it is there."""
    expect(notice(page, subject)).to_have_count(1)
    number = notice(page, subject).get_attribute("data-notice")
    assert number
    return number


def send(by: Person, subject: str, **fields: object) -> str:
    """Send to everybody, or what the fields say; gives the number."""
    fields = {**by.compose(subject, **(fields.pop("to", {"scope": "filtered"}))), **fields}  # type: ignore[dict-item]
    answer = by.post("/messages", **fields)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"].rsplit("/", 1)[1]


def stays_as_it_is(page: Page) -> None:
    """The answer's field has the focus and its text, and what it scrolls in is beside or below the strip (R11)."""
    field = page.get_by_role("textbox", name="Answer to question 1")
    expect(field).to_be_focused()
    expect(field).to_have_value("An answer")
    strip, box = page.locator("[data-notices-strip]").bounding_box(), page.locator("#main").bounding_box()
    assert strip
    assert box
    assert strip["y"] + strip["height"] <= box["y"] + 1 or strip["x"] >= box["x"] + box["width"] - 1


def only_polling(desk: Desk, person: User) -> Page:
    """A dashboard that gets no stream, and asks more often than others do."""
    desk.expects(*CUT)
    desk.quicken(5)
    desk.page.route("**/stream", lambda route: route.abort())
    page = desk.sign_in_unseen(person, "/")
    expect(page.locator("[data-notices-state]")).to_have_attribute("data-state", "polling")
    return page


def is_asked_for_until_it_was_read(page: Page, polling: Page, ines: Person, clean: Clean) -> None:
    """The important message comes again after a reload, and *Close all* leaves it."""
    mine = notice(page, "Stay seated")
    page.reload()
    is_live(page)
    expect(page.locator("[data-notice]")).to_have_count(1)
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(mine).to_be_visible()
    page.emulate_media(forced_colors="active")
    border = "(notice) => getComputedStyle(notice).borderInlineStartWidth"
    assert mine.evaluate(border) == "8px"
    for subject in ("One", "Two", "Three"):
        send(ines, subject)
    expect(page.locator("[data-notice]")).to_have_count(4)
    page.wait_for_timeout(300)  # what has just come has not been seen
    page.get_by_role("button", name="Close all").click()
    expect(page.locator("[data-notice]")).to_have_count(1)
    expect(polling.locator("[data-notice]")).to_have_count(1)
    page.emulate_media(forced_colors="none")
    send(ines, "A correction", to={"corrects": send(ines, "A mistake")})
    expect(notice(page, "A correction")).to_be_visible()  # the focus is in the strip, which hides nothing then
    clean(page, "important, and a correction", "[data-notices-strip]")
    notice(page, "A correction").get_by_role("button", name="Got it").click()
    mine.get_by_role("button", name="I have read this").click()
    for tab in (page, polling):
        expect(tab.locator("[data-notice]")).to_have_count(0)
    page.reload()
    is_live(page)
    expect(page.locator("[data-notice]")).to_have_count(0)


def test_r30_corrected_withdrawn_and_important_in_every_tab(house: House, desks: Desks, clean: Clean) -> None:
    """By stream, by poll and after a reload, on a phone and beside the text, while the candidate writes."""
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    desk: Desk = desks.desk(house, viewport={"width": 390, "height": 760})
    page = desk.sign_in_unseen(ada, f"/tests/{exam.id}")
    polling = only_polling(desks.desk(house), ada)
    is_live(page)
    field = page.get_by_role("textbox", name="Answer to question 1")
    field.press_sequentially("An answer")

    important = send(ines, "Stay seated", level="important")
    first = send(ines, "Break at 10")
    mine = notice(page, "Stay seated")
    expect(mine).to_be_visible()
    expect(mine).to_contain_text("Important")
    expect(page.locator("[data-notices-announcer]")).to_contain_text("Important message from an invigilator")
    expect(page.locator("[data-notice]")).to_have_count(2)
    assert page.locator("[data-notices-list]").evaluate(ORDER) == [important, first]
    stays_as_it_is(page)

    second = send(ines, "Break at 11", to={"corrects": first})
    for tab in (page, polling):
        assert number_of(tab, "Break at 11") == second
        assert tab.locator(f"#message-{first}").count() == 0, "it goes in the moment in which the other one comes"
        assert tab.locator("[data-notices-list]").evaluate(ORDER) == [important, second]
    page.get_by_role("button", name=re.compile("1 more message")).click()
    old = notice(page, "Break at 11").locator("s").first
    expect(old).to_have_text("Break at 10")
    expect(notice(page, "Break at 11")).to_contain_text(re.compile(r"Corrected \d\d:\d\d"))
    expect(polling.locator(f'#inbox [data-message="{second}"] [data-message="{first}"] s').first).to_be_visible()
    stays_as_it_is(page)

    notice(page, "Break at 11").get_by_role("button", name="Got it").click()
    expect(polling.locator(f'[data-open-mark="{second}"]')).to_have_count(0)
    assert ines.post(f"/messages/{second}/withdraw").status_code == 200
    listed = polling.locator(f'#inbox [data-message="{second}"]')
    expect(listed).to_contain_text(re.compile(r"Withdrawn \d\d:\d\d"))  # though its notice had been closed before
    third = send(ines, "Water is outside")
    for tab in (page, polling):
        assert number_of(tab, "Water is outside") == third
    assert ines.post(f"/messages/{third}/withdraw").status_code == 200
    for tab in (page, polling):
        expect(tab.locator("[data-notice]")).to_have_count(1)
    stays_as_it_is(page)

    is_asked_for_until_it_was_read(page, polling, ines, clean)


def test_r30_from_the_bar_a_message_is_corrected_followed_up_and_withdrawn(house: House, desks: Desks) -> None:
    """A correction in three presses; *Withdraw* asks once more, in its own place."""
    exam = house.exam()
    for name in ("Ada", "Bob"):
        house.candidate(exam, name)
    desk = desks.desk(house)
    desk.expects(r"\b409\b")
    page = desk.sign_in_unseen(house.invigilator(exam, role=Role.CHIEF_INVIGILATOR), "/monitor")
    form = compose_for_all(page)
    write(form, "Break at 10")
    form.get_by_role("checkbox", name="Important").check()
    press_send(form)
    bar = quiet_bar(page)
    bar.get_by_role("link", name="Correct").click()
    form = page.locator("[data-compose]")
    expect(form.get_by_role("heading", name="Correct")).to_be_visible()
    expect(form.get_by_label("Subject")).to_have_value("Break at 10")
    expect(form.get_by_role("checkbox", name="Important")).to_be_checked()
    form.get_by_label("Subject").fill("Break at 11")
    press_send(form)
    expect(bar.get_by_role("link", name="Follow up")).to_have_count(2)
    bar.get_by_role("link", name="Follow up").first.click()
    expect(form.get_by_role("heading", name="Follow up")).to_be_visible()
    expect(form).to_contain_text("To the people of “Break at 11”")
    expect(form.get_by_label("Subject")).to_have_value("")
    expect(form.locator("[data-draft-name]")).to_have_count(0)  # a corrected text is nobody's draft
    form.get_by_role("button", name="Cancel").click()
    button = bar.get_by_role("button", name="Withdraw").first
    button.click()
    expect(bar.get_by_role("button", name="Press again: withdraw")).to_be_visible()
    page.wait_for_timeout(500)  # not a double click
    bar.get_by_role("button", name="Press again: withdraw").click()
    expect(bar).to_contain_text(re.compile(r"Withdrawn \d\d:\d\d · 2 people had it open"))
    # the first message was corrected: it cannot be withdrawn, and the bar says so
    bar.get_by_role("button", name="Withdraw").click()
    page.wait_for_timeout(500)
    bar.get_by_role("button", name="Press again: withdraw").click()
    expect(bar).to_contain_text("This message was corrected")
