"""R31: asking for help and going there, by keyboard, beside a text that is written (R11), and without a stream."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from tests.browser.axe import Clean
from tests.browser.house import Desks, House, is_live
from tests.browser.test_time import change, no_streams_for
from webapp.clock import utcnow
from webapp.models import HelpRequest, Role

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

QUEUE_SOON = 6_000
"""Milliseconds in which a queue that asks every 2.5 seconds shows what is new, on a busy machine."""
PHONE = {"width": 360, "height": 740}
TABLET = {"width": 820, "height": 1180}


def panel(page: Page) -> Locator:
    """The button in the bar of a test, with what it opens."""
    return page.locator(".exam-bar [data-help-panel]")


def ask_by_keyboard(page: Page, text: str) -> None:
    """From the button on: open it, choose the first kind, write, send."""
    panel(page).locator("summary").focus()
    page.keyboard.press("Enter")
    for key in ("Tab", "Space", "Tab"):
        page.keyboard.press(key)
    page.keyboard.type(text)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")


def request_of(page: Page, name: str) -> Locator:
    """Somebody's request in the queue, as a screen reader names it."""
    return page.get_by_role("listitem", name=re.compile(name))


def test_r31_asked_and_claimed_by_keyboard_while_writing(house: House, desks: Desks) -> None:
    """R11: what comes of it takes no focus and no letter; a screen reader hears it; a reload shows the same."""
    exam = house.exam()
    ada, ines = house.candidate(exam, "Ada", seat="24F"), house.invigilator(exam)
    page = desks.desk(house, viewport=PHONE).sign_in_unseen(ada, f"/tests/{exam.id}")
    queue = desks.desk(house).sign_in_unseen(ines, "/help")
    is_live(page)
    expect(queue.get_by_text("Nobody asks for help now")).to_be_visible()
    ask_by_keyboard(page, "Which <b>unit</b>?")
    expect(panel(page).locator("summary")).to_have_accessible_name("You asked for help")
    expect(panel(page).locator("summary")).to_be_focused()
    expect(page.locator("[data-help-word]")).to_have_text("You asked for help.")
    asked = request_of(queue, "Ada")
    expect(asked).to_contain_text("24F", timeout=QUEUE_SOON)
    expect(asked).to_contain_text("Which <b>unit</b>?")
    expect(queue.get_by_role("status").filter(has_text="1 person waits for help")).to_have_count(1)
    expect(queue.get_by_role("banner").get_by_role("link", name="Help 1")).to_be_visible()
    answer = page.get_by_role("textbox", name="Answer to question 1")
    answer.focus()
    answer.type("Leaves fall ")
    place = answer.bounding_box()
    going = asked.get_by_role("button", name="I am going")
    expect(going).to_have_accessible_description(re.compile("Ada"))
    going.focus()
    queue.keyboard.press("Enter")
    answer.type("because it is autumn.", delay=60)  # while it comes
    expect(panel(page).locator("summary")).to_have_accessible_name("An invigilator is coming", timeout=2_000)
    expect(page.locator("[data-help-word]")).to_have_text("An invigilator is coming.")
    expect(answer).to_be_focused()
    expect(answer).to_have_value("Leaves fall because it is autumn.")
    assert answer.bounding_box() == place
    expect(asked).to_contain_text("You are going")
    expect(queue.get_by_role("banner").get_by_role("link", name="Help", exact=True)).to_be_visible()
    expect(asked.get_by_role("button", name="Not me")).to_be_focused()
    page.reload()
    is_live(page)
    expect(panel(page).locator("summary")).to_have_accessible_name("An invigilator is coming")
    asked.get_by_role("button", name="Done").press("Enter")
    expect(panel(page).locator("summary")).to_have_accessible_name("Ask for help", timeout=2_000)
    expect(page.locator("[data-help-word]")).to_have_text("")


def test_r31_a_card_that_changes_keeps_what_is_typed(house: House, desks: Desks) -> None:
    """On the dashboard: the test is paused while somebody asks for help."""
    exam = house.exam()
    page = desks.desk(house).sign_in_unseen(house.candidate(exam))
    is_live(page)
    card = page.locator("#sittings [data-help-panel]")
    card.locator("summary").click()
    card.get_by_role("textbox").fill("Where is the")
    change(house, exam, paused_at=utcnow())
    expect(page.get_by_text("An invigilator has paused your test")).to_be_visible()
    expect(page.get_by_role("link", name="Continue")).to_have_count(0)
    expect(card.get_by_role("textbox")).to_have_value("Where is the")
    card.get_by_role("radio", name="Something else").check()
    card.get_by_role("button", name="Ask for help").click()
    expect(card.locator("summary")).to_have_accessible_name("You asked for help")


@pytest.mark.nightly
def test_r31_the_badge_and_the_marks_of_the_monitor(house: House, desks: Desks) -> None:
    """In the bar of each page, on tablets in the dock, in the row and beside the list; told without a reload."""
    exam = house.exam()
    ada, ines = house.candidate(exam, "Ada"), house.invigilator(exam)
    desk = desks.desk(house, viewport=TABLET)
    monitor = desk.sign_in_unseen(ines, f"/monitor?test={exam.id}")
    log = desk.tab("/log")
    page = desks.desk(house).sign_in_unseen(ada, f"/tests/{exam.id}")
    ask_by_keyboard(page, "")
    monitor.bring_to_front()
    expect(monitor.get_by_role("link", name="1 asks for help")).to_be_visible(timeout=9_000)
    expect(monitor.locator(".site-nav").get_by_role("link", name="Help 1")).to_be_visible()
    expect(monitor.locator("[data-announce]")).to_have_text("Help 1")
    expect(monitor.locator("[data-candidacy]")).to_contain_text("Asks for help")
    log.bring_to_front()
    log.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(log.locator(".site-nav").get_by_role("link", name="Help 1")).to_be_visible()
    number = house.fresh().scalars(select(HelpRequest.id).order_by(HelpRequest.id.desc())).first()
    house.over_http(ines).post(f"/help/{number}/claim")
    monitor.bring_to_front()
    expect(monitor.get_by_role("link", name="1 asks for help")).to_have_count(0, timeout=9_000)
    expect(monitor.locator("[data-candidacy]")).to_contain_text("Help is coming")
    monitor.locator("[data-open]").click()
    expect(monitor.locator("#fact-help")).to_contain_text("Ines is going")
    expect(monitor.locator(".candidate-events")).to_contain_text("Goes to help")


def test_r31_of_two_who_go_the_second_hears_it_and_nothing_jumps(house: House, desks: Desks) -> None:
    """What is over stays in its place under the pointer, without its buttons (R19)."""
    exam = house.exam()
    people = [house.candidate(exam, name) for name in ("Ada", "Bo")]
    ines, ivo = house.invigilator(exam), house.invigilator(exam, name="Ivo")
    for person in people:
        house.over_http(person).post(f"/tests/{exam.id}/help", kind="other")
    desk = desks.desk(house)
    desk.expects("409")
    queue = desk.sign_in_unseen(ivo, "/help")
    first, second = request_of(queue, "Ada"), request_of(queue, "Bo")
    number = first.get_attribute("data-help")
    ines_there = house.over_http(ines)
    queue.route("**/help", lambda route: route.abort())  # the claim is not seen yet
    desk.expects("net::ERR_FAILED")
    ines_there.post(f"/help/{number}/claim")
    first.get_by_role("button", name="I am going").click()
    expect(queue.get_by_role("alert")).to_contain_text("Ines is already going")
    queue.unroute_all()
    second.hover()
    place = second.bounding_box()
    ines_there.post(f"/help/{number}/done")
    expect(first).to_contain_text("Over", timeout=QUEUE_SOON)
    assert second.bounding_box() == place
    queue.get_by_role("banner").hover()
    queue.evaluate("document.activeElement.blur()")
    expect(first).to_have_count(0, timeout=QUEUE_SOON)


def test_r31_a_page_that_polls_and_one_without_a_script(house: House, desks: Desks, scriptless: Desks) -> None:
    """The same in more steps; what was refused keeps its text."""
    exam = house.exam()
    ada, bo, ines = house.candidate(exam, "Ada"), house.candidate(exam, "Bo"), house.invigilator(exam)
    desk = desks.desk(house)
    no_streams_for(desk)
    page = desk.sign_in_unseen(ada, f"/tests/{exam.id}")
    ask_by_keyboard(page, "")
    expect(panel(page).locator("summary")).to_have_accessible_name("You asked for help")
    plain, staff = scriptless.desk(house), scriptless.desk(house)
    plain.expects("422")
    there = plain.sign_in_unseen(bo, f"/tests/{exam.id}")
    panel(there).locator("summary").click()
    panel(there).get_by_role("textbox").fill("My pen is empty")
    panel(there).get_by_role("button", name="Ask for help").click()
    expect(there.get_by_text("Please choose one of these.")).to_be_visible()
    expect(there.get_by_role("textbox")).to_have_value("My pen is empty")
    there.get_by_role("radio", name="Something else").check()
    there.get_by_role("button", name="Ask for help").click()
    expect(panel(there).locator("summary")).to_have_accessible_name("You asked for help")
    queue = staff.sign_in_unseen(ines, "/help")
    for name in ("Ada", "Bo"):
        request_of(queue, name).get_by_role("button", name="I am going").click()
    expect(panel(page).locator("summary")).to_have_accessible_name("An invigilator is coming", timeout=9_000)
    there.reload()
    expect(panel(there).locator("summary")).to_have_accessible_name("An invigilator is coming")
    request_of(queue, "Bo").get_by_role("button", name="Done").click()
    expect(request_of(queue, "Bo")).to_have_count(0)


def test_r31_axe_finds_nothing(house: House, desks: Desks, clean: Clean) -> None:
    exam = house.exam()
    ada, planner = house.candidate(exam, "Ada", seat="1E"), house.invigilator(exam, role=Role.PLANNER)
    desk, staff = desks.desk(house), desks.desk(house, viewport=TABLET)
    for each in (desk, staff):
        each.expects("422")
    page = desk.sign_in_unseen(ada, f"/tests/{exam.id}")
    panel(page).locator("summary").click()
    clean(page, "asking", ".exam-bar")
    panel(page).get_by_role("button", name="Ask for help").click()
    expect(panel(page).get_by_text("Please choose one of these.")).to_be_visible()
    expect(panel(page).get_by_role("radio").first).to_be_focused()
    clean.at_night(page, "asking, refused", ".exam-bar")
    panel(page).get_by_role("radio").first.check()
    panel(page).get_by_role("button", name="Ask for help").click()
    panel(page).locator("summary").click()
    clean(page, "asked", ".exam-bar")
    desk.goto("/")
    clean.at_night(page, "asked, on the dashboard", "#sittings")
    queue = staff.sign_in_unseen(planner, "/help")
    clean(queue, "queue")
    request_of(queue, "Ada").get_by_role("button", name="I am going").click()
    expect(request_of(queue, "Ada")).to_contain_text("You are going")
    clean.at_night(queue, "queue, claimed", "main")
    queue.get_by_role("main").get_by_role("link", name=re.compile("Algebra")).click()
    queue.get_by_role("textbox").fill("Toilet\ntoilet")
    queue.get_by_role("button", name="Save").click()
    expect(queue.get_by_role("alert")).to_contain_text("twice")
    clean(queue, "kinds, refused", "main")
