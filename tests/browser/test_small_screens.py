"""360 px, and 200 % zoom (of 1280 × 720: 640 × 360 CSS px): nothing scrolls sideways, everything can be used."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.house import CUT, Desks, House, is_live, notice
from tests.browser.monitor_page import (
    compose_for_all,
    compose_for_one,
    message_all,
    press_send,
    quiet_bar,
    tick,
    was_sent,
    write,
)
from tests.nightly import named
from webapp.models import Role

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

SCREENS = {
    "360 px": {"viewport": {"width": 360, "height": 640}, "has_touch": True},
    "200 %": {"viewport": {"width": 640, "height": 360}, "device_scale_factor": 2},
}
LONG = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch" * 2


def fits(page: Page, where: str) -> None:
    """The page itself, with its styles, does not scroll sideways."""
    page.wait_for_load_state()
    wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window, f"{where}: {wide} px in a window of {window} px"


def in_reach(control: Locator, where: str) -> None:
    """It can be pressed, and is large enough for a finger (24 px, WCAG 2.2, 2.5.8) and wholly inside the window."""
    control.scroll_into_view_if_needed()
    control.click(trial=True)
    box = control.bounding_box()
    assert box, where
    window = control.page.viewport_size
    assert window
    assert min(box["width"], box["height"]) >= 24, f"{where}: {box}"
    assert box["x"] >= 0, f"{where}: {box}"
    assert box["x"] + box["width"] <= window["width"] + 0.5, f"{where}: {box}"


@pytest.mark.parametrize("screen", named(SCREENS, {"200 %"}))
def test_a_candidates_pages(house: House, desks: Desks, screen: dict[str, Any]) -> None:
    exam = house.exam(f"Algebra {LONG}")
    ada = house.candidate(exam, f"Ada {LONG}", started_at=None, room=LONG)
    ines = house.over_http(house.invigilator(exam))
    desk = desks.desk(house, **screen)
    page = desk.goto("/login")
    fits(page, "sign-in")
    in_reach(page.get_by_role("button", name="Sign in"), "sign-in")
    desk.sign_in_unseen(ada)
    fits(page, "dashboard")
    menu = page.locator("details.account > summary")
    in_reach(menu, "account")
    menu.click()
    in_reach(page.get_by_role("button", name="Sign out"), "sign out")
    menu.click()
    in_reach(page.get_by_role("button", name="Start the test"), "start")
    page.get_by_role("button", name="Start the test").click()
    is_live(page)
    for number in range(3):
        ines.send(f"{number} {LONG[:100]}", scope="filtered")
        expect(notice(page, f"{number} {LONG[:100]}")).to_be_visible()
    fits(page, "exam")
    newest = notice(page, f"2 {LONG[:100]}")
    in_reach(newest.get_by_role("button", name="Got it"), "close")
    in_reach(page.get_by_role("button", name="2 more messages"), "more messages")
    field = page.get_by_role("textbox", name="Answer to question 1")
    in_reach(field, "answer")
    field.click()
    page.keyboard.type("An answer")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved")
    fits(page, "exam, written in")
    in_reach(page.get_by_role("link", name="Submit the test…"), "submit")
    page.get_by_role("link", name="Submit the test…").click()
    expect(page).to_have_url(re.compile("confirm=submit"))
    fits(page, "submit?")
    in_reach(page.get_by_role("button", name="Submit now"), "submit now")
    desk.goto("/inbox")
    fits(page, "message center")


LOW = {
    "360 px and a keyboard": {"viewport": {"width": 360, "height": 420}, "has_touch": True},
    "320 px and a keyboard": {"viewport": {"width": 320, "height": 400}, "has_touch": True},
    "200 %": {"viewport": {"width": 640, "height": 360}, "device_scale_factor": 2},
}


def is_whole(part: Locator, strip: Locator) -> None:
    """All of it stands inside the strip and can be seen, without scrolling."""
    box, frame = part.bounding_box(), strip.bounding_box()
    assert box, part
    assert frame, strip
    assert box["y"] >= frame["y"] - 0.5, (box, frame)
    assert box["y"] + box["height"] <= frame["y"] + frame["height"] + 0.5, (box, frame)
    assert part.evaluate(
        """(part) => [...part.getClientRects()].every((box) => {
          const at = (y) => document.elementFromPoint(box.left + box.width / 2, y);
          return [at(box.top + 3), at(box.bottom - 3)].every((there) => part.contains(there) || there?.contains(part));
        })"""
    ), "something covers it"


@pytest.mark.parametrize("screen", named(LOW, {"320 px and a keyboard"}))
def test_r11_closing_and_the_connections_words_in_a_low_window(
    house: House, desks: Desks, screen: dict[str, Any]
) -> None:
    """With three long notices and while somebody writes: *Close*, *Close all* and what is wrong need no scrolling."""
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    desk = desks.desk(house, **screen)
    desk.expects(*CUT)
    page = desk.sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(page)
    strip, state = page.locator("[data-notices-strip]"), page.locator("[data-notices-state]")
    is_whole(state, strip)
    field = page.get_by_role("textbox", name="Answer to question 1")
    field.click()
    page.keyboard.type("Line one\nline two\n")
    for number in range(3):
        ines.post("/messages", **{**ines.compose(f"{number} {LONG}"[:120], scope="filtered"), "body": f"{LONG} " * 30})
    newest = page.locator("[data-notice]").first
    expect(newest).to_contain_text("2 Llan")
    fits(page, "exam")
    for button in (newest.get_by_role("button", name="Got it"), page.get_by_role("button", name="Close all")):
        is_whole(button, strip)
    desk.context.set_offline(True)
    expect(state).to_have_attribute("data-state", "lost")
    is_whole(state, strip)
    is_whole(newest.get_by_role("button", name="Got it"), strip)
    newest.get_by_role("button", name="Got it").tap() if "has_touch" in screen else newest.get_by_role(
        "button", name="Got it"
    ).click()
    expect(page.locator("[data-notice]")).to_have_count(2)
    desk.context.set_offline(False)
    expect(field).to_have_value("Line one\nline two\n")


@pytest.mark.parametrize("screen", named(SCREENS, {"360 px"}))
def test_an_invigilators_pages(house: House, desks: Desks, screen: dict[str, Any]) -> None:
    exam = house.exam(f"Algebra {LONG}")
    house.hall.candidacies(exam, 60)
    house.candidate(exam, "Ada", room=LONG)
    desk = desks.desk(house, **screen)
    page = desk.sign_in_unseen(
        house.invigilator(exam, name=f"Ines {LONG}", role=Role.CHIEF_INVIGILATOR), "/monitor?sort=name"
    )
    fits(page, "monitor")
    in_reach(page.get_by_role("searchbox", name="Search candidates"), "search")
    for group in page.locator("details[data-menu] > summary").all():
        in_reach(group, "filter")
        group.click()
        fits(page, f"filter {group.inner_text()}")
        panel = group.locator("xpath=following-sibling::*[1]")
        expect(panel.locator("[name=name]") if panel.get_attribute("data-fetch") else panel).to_be_visible()
        in_reach(panel.locator("label, select, button, a").first, f"filter {group.inner_text()}")
        page.keyboard.press("Escape")
        expect(panel).to_be_hidden()
    in_reach(message_all(page), "message to all")
    tick(page, "Ada").check()
    bar = page.get_by_role("region", name="For the selected candidates")
    in_reach(bar.get_by_role("button", name="Message…"), "action bar")
    fits(page, "action bar")
    in_reach(page.get_by_role("link", name="Page 2"), "pages")
    form = compose_for_one(page, "Ada")
    fits(page, "dialog")
    write(form, "Ada only")
    in_reach(form.get_by_role("button", name="Cancel"), "cancel")
    in_reach(form.get_by_role("button", name="Send to"), "send")
    press_send(form)
    was_sent(form, 1)
    in_reach(quiet_bar(page).get_by_role("link", name="Open"), "open")
    quiet_bar(page).get_by_role("button", name="Close").click()
    form = compose_for_all(page)
    form.locator("summary").filter(has_text="By test and room").click()
    fits(page, "dialog to all")
    in_reach(form.get_by_role("button", name="Send to 61 people"), "send to all")
    write(form, LONG, LONG * 5)
    press_send(form)
    was_sent(form, 61)
    fits(page, "success")
    quiet_bar(page).get_by_role("link", name="Open").click()
    expect(page).to_have_url(re.compile("/messages/"))
    fits(page, "log entry of a message")
    desk.goto("/log")
    fits(page, "log")
    page.locator("summary", has_text="Filter").click()
    in_reach(page.get_by_role("button", name="Show", exact=True), "filter of the log")
    fits(page, "filter of the log")
