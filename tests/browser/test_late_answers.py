"""Answers that come late: in whatever order, nobody else is reached and no text is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from sqlalchemy import select

from tests.browser.house import CUT, Desk, Desks, House
from tests.browser.monitor_page import compose_for_all, dialog, message_all, press_send, quiet_bar, row, tick, write
from tests.browser.test_acting import columns, menu
from tests.nightly import at_night
from webapp.clock import utcnow
from webapp.models import Message, Role, Test

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


@pytest.fixture
def exam(house: House) -> Test:
    """Ada and Bob."""
    exam = house.exam()
    for name in ("Ada", "Bob"):
        house.candidate(exam, name)
    return exam


@pytest.fixture
def desk(desks: Desks, house: House) -> Desk:
    return desks.desk(house)


@pytest.fixture
def page(house: House, desk: Desk, exam: Test) -> Page:
    """The monitor of a chief invigilator."""
    return desk.sign_in_unseen(house.invigilator(exam, role=Role.CHIEF_INVIGILATOR), f"/monitor?test={exam.id}")


def held(page: Page, address: str) -> Callable[[], None]:
    """Keep the first answer from this address back; the call that lets it go."""
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        if waiting:
            route.continue_()
        else:
            waiting.append(route)

    page.route(address, hold)

    def release() -> None:
        while not waiting:
            page.wait_for_timeout(50)
        waiting[0].continue_()
        page.wait_for_timeout(500)

    return release


def note_for(page: Page, name: str) -> Locator:
    """The form of a note, from the row's menu."""
    menu(page, name).get_by_role("link", name="Note…").click()
    form = dialog(page)
    expect(form.get_by_label("Note")).to_be_focused()
    return form


def test_r23_the_form_that_was_asked_for_last_is_the_one_that_opens(house: House, page: Page) -> None:
    """A row's form that is late does not come in the place of the one for everybody, nor the other way round."""
    release = held(page, "**/messages/new?candidate=*")
    row(page, "Ada").get_by_role("button", name="More for Ada").click()
    page.locator(".menu:popover-open").get_by_role("link", name="Message…").click()
    message_all(page).click()
    form = dialog(page)
    write(form, "To both")
    release()
    expect(form).to_contain_text("To 2 people")
    expect(form.get_by_label("Subject")).to_have_value("To both")
    press_send(form)
    expect(quiet_bar(page)).to_contain_text("Sent to 2 people")
    sent = house.fresh().scalars(select(Message.persons).where(Message.subject == "To both")).all()
    assert sent == [2]


@pytest.mark.nightly
def test_a_sending_that_is_answered_late_leaves_the_form_of_an_action(house: House, page: Page, exam: Test) -> None:
    """It is told when that is closed."""
    release = held(page, "**/messages")
    form = compose_for_all(page)
    write(form, "Late")
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Escape")
    form = note_for(page, "Ada")
    form.get_by_label("Note").fill("Has a fever")
    release()
    expect(form.get_by_label("Note")).to_have_value("Has a fever")
    form.get_by_role("button", name="Note").last.click()
    expect(form).to_be_hidden()
    expect(quiet_bar(page)).to_contain_text("Sent to 2 people")
    assert columns(house, exam.id, "note") == ["Has a fever", ""]


@pytest.mark.nightly
def test_a_sending_that_fails_when_the_sheet_is_closed_opens_it_again(page: Page, desk: Desk) -> None:
    """Nobody else would say that nothing was sent."""
    desk.expects(*CUT)
    waiting: list[Route] = []
    page.route("**/messages", lambda route: waiting.append(route))  # noqa: PLW0108 Playwright marks what it is given
    form = compose_for_all(page)
    write(form, "Lost")
    page.keyboard.press("Control+Enter")
    expect(form.get_by_text("Sending…")).to_be_visible()
    page.keyboard.press("Escape")
    expect(form).to_be_hidden()
    waiting[0].abort()
    expect(form.get_by_role("alert")).to_contain_text("could not be reached")
    expect(form.get_by_label("Subject")).to_have_value("Lost")


@pytest.mark.nightly
def test_an_action_that_is_answered_late_leaves_the_message(house: House, page: Page, exam: Test) -> None:
    """What it did is told when the sheet is closed, with its Undo."""
    release = held(page, "**/candidates/actions")
    form = note_for(page, "Ada")
    form.get_by_label("Note").fill("Seen")
    form.get_by_role("button", name="Note").last.click()
    page.keyboard.press("Escape")
    form = compose_for_all(page)
    write(form, "Half a word")
    form.get_by_label("Message", exact=True).focus()
    release()
    expect(form.get_by_label("Subject")).to_have_value("Half a word")
    expect(form.get_by_label("Message", exact=True)).to_be_focused()
    expect(form).to_contain_text("To 2 people")
    page.keyboard.press("Escape")
    expect(quiet_bar(page)).to_contain_text("Seen")
    expect(quiet_bar(page).get_by_role("button", name="Undo")).to_be_visible()
    assert columns(house, exam.id, "note") == ["Seen", ""]


@pytest.mark.nightly
def test_an_action_refused_late_leaves_the_one_that_is_open(page: Page, desk: Desk, house: House, exam: Test) -> None:
    """It comes back with its text when that is done."""
    desk.expects("422")
    release = held(page, "**/candidates/actions")
    menu(page, "Ada").get_by_role("link", name="Extra time…").click()
    form = dialog(page)
    form.get_by_label("Minutes").fill("2000")
    form.get_by_label("Minutes").press("Enter")
    page.keyboard.press("Escape")
    form = note_for(page, "Bob")
    form.get_by_label("Note").fill("For Bob")
    release()
    expect(form.get_by_label("Note")).to_have_value("For Bob")
    form.get_by_role("button", name="Note").last.click()
    expect(form).to_contain_text("Whole minutes from 0 to 1,440.")
    expect(form.get_by_label("Minutes", exact=True)).to_have_value("2000")
    assert columns(house, exam.id, "note") == ["", "For Bob"]
    assert columns(house, exam.id, "extra_minutes") == [0, 0]


@pytest.mark.parametrize("status", [None, *at_night(503)])
def test_an_action_that_the_server_does_not_answer_says_so_and_keeps_its_text(
    page: Page, desk: Desk, house: House, exam: Test, status: int | None
) -> None:
    """R8: the same press does it then, once."""
    desk.expects(*CUT)
    form = note_for(page, "Ada")
    form.get_by_label("Note").fill("Kept")
    page.route("**/candidates/actions", lambda route: route.fulfill(status=status) if status else route.abort())
    press = form.get_by_role("button", name="Note").last
    press.click()
    expect(form.get_by_role("alert")).to_contain_text("could not be reached")
    expect(form.get_by_label("Note")).to_have_value("Kept")
    page.unroute("**/candidates/actions")
    press.click()
    expect(form).to_be_hidden()
    assert columns(house, exam.id, "note") == ["Kept", ""]


@pytest.mark.nightly
def test_an_incident_that_the_server_does_not_answer_says_so_and_keeps_its_text(
    page: Page, desk: Desk, house: House, exam: Test
) -> None:
    """R8: at its start and at its end; an error is told in the form too."""
    desk.expects(*CUT, "500")
    page.get_by_role("button", name="More for this list").click()
    page.get_by_role("link", name="Incident…").click()
    form = dialog(page)
    form.get_by_label("Reason, for the log").fill("Power cut")
    page.route("**/incidents", lambda route: route.abort())
    press = form.locator("[data-send]")
    press.click()
    expect(form.get_by_role("alert")).to_contain_text("could not be reached")
    expect(form.get_by_label("Reason, for the log")).to_have_value("Power cut")
    page.unroute("**/incidents")
    error = {"status": 500, "headers": {"X-Examhall": "1"}, "content_type": "text/html", "body": "<p>Some trouble</p>"}
    page.route("**/incidents", lambda route: route.fulfill(**error))
    press.click()
    expect(form).to_contain_text("Some trouble")
    expect(form.get_by_label("Reason, for the log")).to_have_value("Power cut")
    page.unroute("**/incidents")
    press.click()
    expect(form.get_by_text("2 candidates are paused.")).to_be_visible()
    form.get_by_role("button", name="Done").click()
    page.get_by_role("link", name="End incident…").click()
    body = form.get_by_label("Message", exact=True).last
    body.fill("Go on, please.")
    page.route("**/incidents/*/end", lambda route: route.abort())
    press.click()
    expect(form.get_by_role("alert")).to_contain_text("could not be reached")
    expect(body).to_have_value("Go on, please.")


@pytest.mark.nightly
def test_an_outcome_that_stays_to_be_read_asks_for_the_list_once(house: House, page: Page, exam: Test) -> None:
    """Not again with each answer of the list, open or closed."""
    form = note_for(page, "Ada")
    form.get_by_label("Note").fill("Mine")
    ada = next(one for one in house.candidacies_of(exam))
    colleague = house.over_http(house.invigilator(exam, name="Vera Holm"))
    note = {"action": "note", "note": "Hers", "candidate": ada.id, "idempotency_key": "k" * 32}
    assert colleague.post("/candidates/actions", **note).status_code == 201
    form.get_by_role("button", name="Note").last.click()
    expect(form).to_contain_text("Vera Holm has changed it just now.")
    lists: list[str] = []
    page.on("request", lambda request: lists.append(request.url) if "/monitor?" in request.url else None)
    page.wait_for_timeout(3000)
    form.get_by_role("button", name="Done").click()
    page.wait_for_timeout(3000)
    assert len(lists) <= 4, lists
    tick(page, "Ada").check()


@pytest.mark.nightly
def test_r23_a_sheet_that_is_closed_while_its_answer_comes_in_stays_closed(
    house: House, page: Page, exam: Test
) -> None:
    """Between the answer's arrival and its place in the page, too."""
    house.candidate(exam, "Cy", submitted_at=utcnow())
    form = compose_for_all(page)
    page.evaluate(
        "addEventListener('htmx:before:swap', () => document.getElementById('compose').close(), {once: true})"
    )
    with page.expect_response("**/messages/new?*list_state*"):
        form.get_by_role("button", name="Still writing").click()
    page.wait_for_timeout(300)
    expect(form).to_be_hidden()
