"""axe finds nothing in the monitor, in any of its states: light, dark, and in forced colors."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from tests.browser.axe import Clean
from tests.browser.house import CUT, Desk, Desks, House
from tests.browser.monitor_page import (
    compose_for_all,
    compose_for_one,
    compose_for_selected,
    dialog,
    filter_by,
    open_filter,
    press_send,
    quiet_bar,
    row,
    shows,
    tick,
    was_sent,
    write,
)
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Absence, Candidacy, Role, Test

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

WIDE = {"width": 1440, "height": 900}
DIALOG = "dialog[open]"
BAR = "[data-action-bar]"


def hall_of(house: House) -> Test:
    """A running test with somebody in every state but one, and a second that has ended: there time is up."""
    exam = house.exam()
    over = house.exam("Law", starts_at=utcnow() - timedelta(hours=3), ends_at=utcnow() - timedelta(minutes=10))
    now, begin = utcnow(), exam.starts_at
    people = {
        "Ada": {"saved_at": now, "extra_minutes": 15, "note": "Feels ill"},
        "Bo": {"flagged": True, "attendance": "present"},  # offline
        "Cleo": {"saved_at": now - timedelta(minutes=20), "back_at": now},  # idle
        "Dag": {"paused_at": now},
        "Eva": {"started_at": None},  # waiting
        "Finn": {"submitted_at": now, "saved_at": now},
        "Gro": {"submitted_at": now, "blank": True},
        "Hugo": {"entered_at": None, "started_at": None},
        "Iris": {"withdrawn_at": now},
    }
    for place, (name, fields) in enumerate(people.items(), 1):
        user = house.candidate(exam, name, **{"room": "Sal A", "building": "North", "seat": f"{place}A", **fields})
        if name != "Bo":
            house.hall.seen(user.id)
    for number in range(9):
        house.candidate(exam, f"Other {number}", room=f"Room {number}", seat="by the door", entered_at=begin)
    house.candidate(over, "Jon")
    return exam


def at_the_monitor(house: House, desks: Desks, exam: Test, path: str = "/monitor", **options: object) -> Desk:
    """A planner's desk, who may do everything."""
    desk = desks.desk(house, **{"viewport": WIDE, **options})
    # axe holds the page for seconds, on a busy machine for ten
    desk.expects("409", "422", "400", "htmx:error: timeout", *CUT)
    desk.sign_in_unseen(house.invigilator(exam, role=Role.PLANNER), path)
    return desk


def at_seat(house: House, exam: Test, seat: str) -> int:
    """The candidacy at a seat."""
    return next(one.id for one in house.candidacies_of(exam) if one.seat == seat)


def menu_of(page: Page, name: str) -> None:
    """Open the menu of a row."""
    row(page, name).get_by_role("button", name=f"More for {name}").click()
    expect(page.locator("#row-menu")).to_be_visible()


def test_the_list_and_its_menus(house: House, desks: Desks, clean: Clean) -> None:
    exam = hall_of(house)
    desk = at_the_monitor(house, desks, exam)
    page = desk.page
    clean(page, "monitor")
    for menu in page.locator("details[data-menu] > summary").all():
        menu.click()
        clean(page, f"monitor, {menu.inner_text()} open", "details[open]")
    page.keyboard.press("Escape")
    for field in ("room", "times", "ends_within"):
        open_filter(page, field)
        (clean if field == "times" else clean.at_night)(page, f"filter menu, {field}", "#filter-menu")
        page.locator("#filter-menu [data-back]").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="More for this list").click()
    clean.at_night(page, "monitor, menu of the list", "#list-menu")
    page.keyboard.press("Escape")
    menu_of(page, "Ada")
    clean(page, "monitor, menu of a row", "#row-menu")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    clean(page, "monitor, keys", DIALOG)
    page.keyboard.press("Escape")
    for name in ("Ada", "Bo"):
        tick(page, name).check()
    page.locator(BAR).get_by_role("button", name="More").click()
    clean(page, "monitor, ticked, with the menu of the bar", BAR)
    page.keyboard.press("Escape")


@pytest.mark.nightly
def test_a_filter_a_view_and_one_candidate(house: House, desks: Desks, clean: Clean) -> None:
    exam = hall_of(house)
    desk = at_the_monitor(house, desks, exam)
    page = desk.page
    tick(page, "Ada").check()
    filter_by(page, "room", "Sal A")
    expect(page.locator("[data-cleared]")).to_be_visible()
    shows(page, 9)
    clean(page, "monitor, filtered, with ticks cleared")
    views = page.locator("#views-menu")
    with page.expect_response("**/monitor/views?*"):
        views.locator("summary").click()
    views.get_by_label("Name of the view").fill("x" * 61)
    views.get_by_role("button", name="Save view").click()
    expect(views.get_by_role("alert").first).to_be_visible()
    clean.at_night(page, "views, refused", "#views-menu")
    views.get_by_label("Name of the view").fill("My room")
    page.keyboard.press("Enter")
    expect(views.get_by_role("status")).to_have_text("Saved.")
    clean(page, "views, saved", "#views-menu")
    page.keyboard.press("Escape")
    bo, since = at_seat(house, exam, "2A"), utcnow() - timedelta(minutes=9)
    with writing(house.session):
        house.session.add(Absence(candidacy_id=bo, since=since, until=utcnow()))
    row(page, "Bo").get_by_role("link", name="Bo").press("Enter")
    expect(page.locator("#candidate-title")).to_have_text("Bo")
    clean(page, "drawer")
    page.set_viewport_size({"width": 390, "height": 844})
    clean.at_night(page, "drawer, narrow")
    desk.goto("/monitor/views")
    clean(page, "views, their page")


@pytest.mark.nightly
def test_a_small_screen_a_line_that_is_cut_and_lists_without_anybody(house: House, desks: Desks, clean: Clean) -> None:
    exam = hall_of(house)
    desk = at_the_monitor(house, desks, exam, "/monitor?q=bo", viewport={"width": 390, "height": 844}, has_touch=True)
    page = desk.page
    clean(page, "monitor, narrow")
    open_filter(page, "state")
    clean(page, "filter sheet", "#filter-menu")
    page.get_by_role("button", name="Show ").tap()
    tick(page, "Bo").check()
    clean.at_night(page, "monitor, narrow, ticked")
    tick(page, "Bo").uncheck()
    page.set_viewport_size({"width": 820, "height": 1180})
    desk.goto("/monitor?q=nobody")
    clean(page, "monitor, empty by a filter")
    desk.goto("/monitor")
    page.evaluate("import('/static/js/monitor-view.js').then(({ want }) => want('room=Nowhere'))")
    expect(page.locator("[data-refused]")).to_be_visible()
    clean.at_night(page, "monitor, a filter refused", ".page-notes")
    desk.context.set_offline(True)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("[data-connection-box]")).to_be_visible()
    clean.at_night(page, "monitor, not live")


def test_the_sheet_of_a_message(house: House, desks: Desks, clean: Clean) -> None:
    exam = hall_of(house)
    page = at_the_monitor(house, desks, exam, f"/monitor?test={exam.id}&sort=name").page
    tick(page, "Ada").check()
    form = compose_for_selected(page)
    clean(page, "sheet", DIALOG)
    press_send(form)
    expect(form.get_by_role("alert")).to_be_visible()
    clean.at_night(page, "sheet, 422", DIALOG)
    page.keyboard.press("Escape")
    form = compose_for_all(page)
    for summary in ("By test and room", "offline now"):
        form.locator("summary").filter(has_text=summary).click()
    write(form, "To all")
    house.candidate(exam, "Late")
    press_send(form)
    expect(form.get_by_role("alert")).to_be_visible()
    clean(page, "sheet, 409", DIALOG)
    press_send(form)
    expect(quiet_bar(page)).to_contain_text("Sent to")
    clean.at_night(page, "sent", "[data-quiet-bar]")
    form = compose_for_one(page, "Ada")
    expect(form.locator("[data-overlap]")).to_be_visible()
    clean.at_night(page, "sheet, warning", DIALOG)
    write(form, "To Ada")
    press_send(form)
    was_sent(form, 1)


@pytest.mark.nightly
def test_actions(house: House, desks: Desks, clean: Clean) -> None:
    exam = hall_of(house)
    page = at_the_monitor(house, desks, exam, f"/monitor?test={exam.id}&sort=name").page
    for action in ("Note…", "Room and seat…", "Extra time…"):
        menu_of(page, "Ada")
        page.locator("#row-menu").get_by_role("link", name=action).click()
        form = dialog(page)
        expect(form.locator("[data-dialog-title]")).to_have_text(action.rstrip("…"))
        (clean if action == "Extra time…" else clean.at_night)(page, f"form, {action}", DIALOG)
        if action != "Extra time…":
            page.keyboard.press("Escape")
    form.get_by_label("Minutes").fill("2000")
    form.get_by_role("button", name="Extra time").click()
    expect(form.get_by_role("alert")).to_be_visible()
    clean.at_night(page, "form, 422", DIALOG)
    form.get_by_label("Minutes").fill("5")
    form.get_by_role("button", name="Extra time").click()
    expect(quiet_bar(page)).to_contain_text("minutes")
    clean(page, "done", "[data-quiet-bar]")
    for name in ("Ada", "Cleo", "Dag", "Hugo"):
        tick(page, name).check()
    page.locator(BAR).get_by_role("button", name="Pause").first.click()
    expect(form.locator("[data-left-out]")).to_be_visible()
    clean(page, "form for several, of whom some are left out", DIALOG)
    cleo = update(Candidacy).where(Candidacy.id == at_seat(house, exam, "3A"))
    with writing(house.session):
        house.session.execute(cleo.values(submitted_at=utcnow()))
    form.locator("[data-send]").click()
    expect(form.locator("[data-obstacle]").first).to_be_visible()
    clean(page, "done, but not for all", DIALOG)


@pytest.mark.nightly
def test_an_incident_and_help_with_signing_in(house: House, desks: Desks, clean: Clean) -> None:
    exam = hall_of(house)
    page = at_the_monitor(house, desks, exam, f"/monitor?test={exam.id}&sort=name").page
    page.get_by_role("button", name="More for this list").click()
    page.locator("#list-menu").get_by_role("link", name="Incident…").click()
    form = dialog(page)
    form.get_by_label("Reason, for the log").wait_for()
    clean(page, "incident, its form", DIALOG)
    form.locator("[data-send]").click()
    expect(form.get_by_role("alert")).to_be_visible()
    clean.at_night(page, "incident, 422", DIALOG)
    form.get_by_label("Reason, for the log").fill("Power cut")
    form.locator("[data-send]").click()
    form.get_by_role("button", name="Done").wait_for()
    clean.at_night(page, "incident, started", DIALOG)
    form.get_by_role("button", name="Done").click()
    page.mouse.move(0, 0)  # under the pointer its line would wait
    expect(page.locator(".incident")).to_be_visible()
    clean(page, "monitor, with an incident")
    page.locator(".incident").get_by_role("link", name="End incident…").click()
    form.locator("details > summary").click()
    clean(page, "incident, open", DIALOG)
    form.get_by_role("button", name="End incident").click()
    expect(form).to_contain_text("Ended.")
    clean.at_night(page, "incident, ended", DIALOG)
    form.get_by_role("button", name="Done").click()
    menu_of(page, "Ada")
    page.locator("#row-menu").get_by_role("link", name="New password").click()
    form.get_by_role("button", name="Make a new password").click()
    form.locator("[data-once]").wait_for()
    clean(page, "new password", DIALOG)


@pytest.mark.nightly
def test_the_plan(house: House, desks: Desks, clean: Clean) -> None:
    exam = hall_of(house)
    desk = at_the_monitor(house, desks, exam, "/monitor/plan")
    page = desk.page
    tick(page, "Ada").check()
    clean(page, "plan, ticked")
    page.locator(".seat a").first.press("Enter")
    expect(page.locator("#candidate-title")).to_be_visible()
    clean.at_night(page, "plan, with the drawer")
    page.set_viewport_size({"width": 390, "height": 844})
    desk.goto("/monitor/plan?room=Sal+A")
    clean.at_night(page, "plan, narrow")
    desk.goto("/monitor/plan?q=nobody")
    clean.at_night(page, "plan, empty")
    desk.goto("/monitor/plan?q=Ada")
    clean.at_night(page, "plan, filtered, with the other seats of the room")
