"""Sending from the sheet at the side: audience, second press, preview, keys, and the word of success in the page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from sqlalchemy import select

from tests.browser.house import Desk, Desks, House, is_live, notice
from tests.browser.monitor_page import (
    compose_for_all,
    compose_for_one,
    message_all,
    press_send,
    quiet_bar,
    row,
    tick,
    was_sent,
    write,
)
from tests.browser.test_drafts import has, is_empty, offers
from tests.nightly import named
from tests.until import until
from webapp.clock import utcnow
from webapp.models import Message, Test

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

LONG = "A long line of text that is read in a hurry. " * 60


@pytest.fixture
def exam(house: House) -> Test:
    """Ada and Bob write in the Aula, Cy has submitted."""
    exam = house.exam()
    for name, submitted_at in (("Ada", None), ("Bob", None), ("Cy", utcnow())):
        house.candidate(exam, name, room="Aula", submitted_at=submitted_at)
    return exam


@pytest.fixture
def desk(house: House, desks: Desks) -> Desk:
    """A browser at a laptop."""
    return desks.desk(house, viewport={"width": 1440, "height": 900})


@pytest.fixture
def page(house: House, desk: Desk, exam: Test) -> Page:
    """The monitor of an invigilator."""
    return desk.sign_in_unseen(house.invigilator(exam), f"/monitor?test={exam.id}&sort=name")


def sent(house: House, subject: str) -> list[int]:
    """How many persons each sending with this subject reached."""
    return list(house.fresh().scalars(select(Message.persons).where(Message.subject == subject)))


def option(form: Locator, name: str) -> Locator:
    """One of the two audiences."""
    return form.get_by_role("group", name="To whom").get_by_role("button", name=name)


def in_view(part: Locator) -> bool:
    """All of it is within the window, and nothing covers its middle."""
    return part.evaluate(  # type: ignore[no-any-return]
        """(part) => {
          const box = part.getBoundingClientRect();
          const there = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
          return box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth
            && (part.contains(there) || there.contains(part));
        }"""
    )


SCREENS = {
    "1440": ({"width": 1440, "height": 900}, 432),
    "820": ({"width": 820, "height": 1180}, 432),
    "390": ({"width": 390, "height": 844}, 390),
    "phone with a keyboard": ({"width": 360, "height": 420}, 360),
    "200 %": ({"width": 640, "height": 360}, 640),
}


@pytest.mark.parametrize(("viewport", "width"), named(SCREENS, {"phone with a keyboard"}))
def test_the_sheet_leaves_the_list_and_keeps_send_in_view(
    house: House, desks: Desks, exam: Test, viewport: dict[str, int], width: int
) -> None:
    """At the right, over the whole of a small screen; however long the text is and wherever it is scrolled to."""
    desk = desks.desk(house, viewport=viewport, reduced_motion="reduce")
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor")
    form = compose_for_all(page)
    box = form.bounding_box()
    assert box
    assert (box["x"], box["width"]) == (viewport["width"] - width, width)
    assert (box["y"], box["height"]) == (0, viewport["height"])
    send = form.get_by_role("button", name="Send to 3 people")
    assert in_view(send)
    write(form, "A long one", LONG)
    for part in (form.get_by_label("Message", exact=True), form.get_by_text("By test and room"), send):
        part.scroll_into_view_if_needed()
        assert in_view(send)
    form.get_by_label("Subject").focus()
    assert in_view(form.get_by_label("Subject"))
    page.keyboard.press("Control+Enter")
    was_sent(form, 3)
    assert in_view(quiet_bar(page).get_by_role("link", name="Open"))


COUNTED = """
addEventListener("pointerdown", () => counted("a press"), true);
addEventListener("keydown", ({ key }) => key === "Enter" && counted(key), true);
addEventListener("input", ({ target }) => {
  if (target.closest("dialog") && !target.counted) counted(target.name);
  target.counted = true;
}, true);
"""


def test_from_signing_in_to_sent_to_my_room_in_five_interactions(house: House, desks: Desks, exam: Test) -> None:
    """A press, a key that sends and a text each count once; the other room is not reached."""
    house.candidate(exam, "Dan", room="Annex")
    desk = desks.desk(house)
    interactions: list[str] = []
    desk.page.expose_function("counted", lambda what: interactions.append(what))  # noqa: PLW0108 Playwright marks what it is given
    desk.page.add_init_script(COUNTED)
    page = desk.sign_in(house.hall.contributor(exam, room="Aula", user=house.person("Ines")))
    message_all(page).click()
    form = page.locator("dialog#compose")
    expect(form.get_by_label("Subject")).to_be_focused()
    page.keyboard.type("To my room")
    page.keyboard.press("Tab")
    page.keyboard.type("Ten minutes more.")
    page.keyboard.press("Control+Enter")
    was_sent(form, 3)
    assert sent(house, "To my room") == [3]
    assert interactions == ["a press", "a press", "subject", "body", "Enter"]


def test_r23_the_switch_takes_the_text_along(house: House, page: Page) -> None:
    """By hand, and so it is no draft for the others any more; what waited for the other audience is offered."""
    form = compose_for_all(page)
    expect(option(form, "Everyone in the list 3")).to_have_attribute("aria-pressed", "true")
    write(form, "Quiet", "Please.")
    option(form, "Still writing 2").press("Enter")
    expect(form).to_contain_text("To 2 people")
    expect(form).to_contain_text("left out: 1 submitted")
    expect(form.locator(".audience-filter")).not_to_contain_text("State:")
    has(form, "Quiet", "Please.")
    expect(option(form, "Still writing")).to_be_focused()
    expect(offers(form)).to_have_count(0)
    form.get_by_label("Subject").fill("Quiet, please")
    page.keyboard.press("Escape")
    form = compose_for_all(page)
    is_empty(form)
    expect(offers(form)).to_contain_text("Quiet, please")
    write(form, "For all", "Welcome.")
    option(form, "Still writing").click()
    expect(form).to_contain_text("To 2 people")
    has(form, "For all", "Welcome.")
    expect(offers(form)).to_contain_text("Quiet, please")
    press_send(form)
    was_sent(form, 2)
    assert sent(house, "For all") == [2]


@pytest.mark.nightly
def test_r23_an_empty_form_that_is_switched_shows_what_waited_there(page: Page) -> None:
    form = compose_for_all(page)
    option(form, "Still writing").click()
    expect(form).to_contain_text("To 2 people")
    write(form, "Half a text", "It waits.")
    page.keyboard.press("Escape")
    form = compose_for_all(page)
    option(form, "Still writing").click()
    has(form, "Half a text", "It waits.")


def test_r23_nothing_is_sent_before_the_other_audience_is_there(house: House, page: Page) -> None:
    """By button or key: what was typed meanwhile comes along.

    One that is late opens nothing when the sheet was closed meanwhile, or another one was opened.
    """
    waiting: list[Route] = []
    page.route("**/messages/new?*list_state*", lambda route: waiting.append(route))  # noqa: PLW0108
    form = compose_for_all(page)
    option(form, "Still writing").click()
    page.keyboard.press("Escape")
    waiting[0].continue_()
    page.wait_for_timeout(300)
    expect(form).to_be_hidden()
    form = compose_for_all(page)
    option(form, "Still writing").click()
    page.keyboard.press("Escape")
    form = compose_for_one(page, "Ada")
    form.get_by_label("Subject").fill("To Ada")
    waiting[1].continue_()
    page.wait_for_timeout(300)
    expect(form).to_contain_text("To 1 person")
    expect(form.get_by_label("Subject")).to_have_value("To Ada")
    page.keyboard.press("Escape")
    form = compose_for_all(page)
    write(form, "Only to writers")
    option(form, "Still writing").click()
    expect(form.get_by_role("button", name="Send to 3 people")).to_be_disabled()
    form.get_by_label("Subject").press("End")
    page.keyboard.type("!")
    page.keyboard.press("Control+Enter")
    until(lambda: page.evaluate("true") and len(waiting) == 3)  # asked, the page tells what it routes
    page.wait_for_timeout(300)
    waiting[2].continue_()
    expect(form.get_by_role("button", name="Send to 2 people")).to_be_enabled()
    expect(form.get_by_label("Subject")).to_have_value("Only to writers!")
    page.keyboard.press("Control+Enter")
    was_sent(form, 2)
    assert sent(house, "Only to writers!") == [2]
    assert sent(house, "Only to writers") == []


def test_several_rooms_want_a_second_press(house: House, page: Page, exam: Test) -> None:
    """Neither one press nor a double click sends, and another word in the text asks anew."""
    house.candidate(exam, "Dan", room="Annex")
    page.reload()
    form = compose_for_all(page)
    write(form, "Both rooms")
    send = form.locator("[data-send]")
    expect(send).to_have_accessible_name("Send to 4 people in 2 rooms")
    send.dblclick()
    expect(send).to_have_accessible_name("Press again: send to 4 people in 2 rooms")
    page.wait_for_timeout(300)
    assert sent(house, "Both rooms") == []
    form.get_by_label("Subject").press("End")
    page.keyboard.type(".")
    expect(send).to_have_accessible_name("Send to 4 people in 2 rooms")
    page.keyboard.press("Control+Enter")
    expect(send).to_have_accessible_name("Press again: send to 4 people in 2 rooms")
    page.wait_for_timeout(500)
    assert sent(house, "Both rooms.") == []
    page.keyboard.press("Control+Enter")
    was_sent(form, 4)
    assert sent(house, "Both rooms.") == [4]


def test_it_is_shown_as_candidates_see_it_and_the_test_named_on_request(page: Page, exam: Test) -> None:
    """For the ticked rows where there are any. R7: one press puts the test's name before the subject, the next takes
    it away.
    """
    expect(message_all(page)).to_have_text("Message 3…")
    for name in ("Ada", "Bob"):
        tick(page, name).check()
    button = page.locator(".message-button").get_by_role("button")
    expect(button).to_have_text("Message 2…")
    expect(page.get_by_role("link", name="Message 3…")).to_have_count(0)
    button.click()
    form = page.locator("dialog#compose")
    expect(form).to_contain_text("To 2 people")
    expect(form.get_by_role("group", name="To whom")).to_have_count(0)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(message_all(page)).to_have_text("Message 3…")
    form = compose_for_all(page)
    seen = form.locator(".seen-notice")
    expect(seen).to_contain_text("Invigilator")
    write(form, "Sal <b>A115</b>", "Line one\n\n  line three")
    expect(seen.locator("[data-seen=subject]")).to_have_text("Sal <b>A115</b>")
    assert seen.locator("[data-seen=body]").inner_text() == "Line one\n\n  line three"
    token = form.get_by_role("button", name=f"Test: {exam.title}")
    token.click()
    expect(form.get_by_label("Subject")).to_have_value(f"{exam.title}: Sal <b>A115</b>")
    expect(token).to_have_attribute("aria-pressed", "true")
    expect(seen).to_contain_text(f"{exam.title}: Sal")
    token.click()
    expect(form.get_by_label("Subject")).to_have_value("Sal <b>A115</b>")
    expect(token).to_have_attribute("aria-pressed", "false")


@pytest.mark.nightly
def test_it_is_on_the_candidates_screen(house: House, desks: Desks, exam: Test) -> None:
    """Sent by the switch to those who write: who has submitted does not get it."""
    ada = house.candidate(exam, "Eve", room="Aula")
    paper = desks.desk(house).sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(paper)
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), f"/monitor?test={exam.id}")
    expect(row(page, "Eve")).not_to_contain_text("Offline")
    form = compose_for_all(page)
    option(form, "Still writing 3").click()
    expect(form).to_contain_text("left out: 1 submitted")
    expect(form).to_contain_text("1 sees it at once")
    form.get_by_text("2 are offline now").click()
    expect(form).to_contain_text(re.compile("Ada.*Bob"))
    write(form, "While you write")
    press_send(form)
    was_sent(form, 3)
    expect(notice(paper, "While you write")).to_be_visible()
