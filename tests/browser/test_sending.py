"""An invigilator sends from the monitor: to one, to the selected, to all of a filter (points 9 and 10)."""

from __future__ import annotations

import re
from threading import Event

import pytest
from playwright.sync_api import Route, expect
from sqlalchemy import func, select

from tests.browser.house import Desks, House, is_live, notice
from tests.browser.monitor_page import (
    compose_for_all,
    compose_for_one,
    compose_for_selected,
    filter_by,
    press_send,
    quiet_bar,
    row,
    rows,
    search,
    shows,
    tick,
    was_sent,
    write,
)
from tests.until import until
from webapp.models import Delivery, LogSubject, Message, Test

pytestmark = [pytest.mark.browser, pytest.mark.one_database]


def sent_with(house: House, subject: str) -> Message:
    """The one message with this subject."""
    return house.fresh().scalars(select(Message).where(Message.subject == subject)).one()


def reached(house: House, subject: str) -> set[int]:
    """The users who got it."""
    query = select(Delivery.user_id).join(Message, Message.id == Delivery.message_id).where(Message.subject == subject)
    return set(house.fresh().scalars(query))


@pytest.fixture
def exam(house: House) -> Test:
    """83 candidates in Room 1, 77 in Room 7."""
    exam = house.exam()
    house.hall.candidacies(exam, 83)
    house.hall.candidacies(exam, 77, room="Room 7")
    return exam


@pytest.fixture
def small_exam(house: House) -> Test:
    """3 candidates in Room 1, 7 in Room 7."""
    exam = house.exam()
    house.hall.candidacies(exam, 3)
    house.hall.candidacies(exam, 7, room="Room 7")
    return exam


def test_to_one_through_the_menu_of_the_row(house: House, desks: Desks, small_exam: Test) -> None:
    """Trap 22: a word of success with the number reached and the way to the log entry."""
    ada = house.candidate(small_exam, "Ada")
    candidate = desks.desk(house)
    paper = candidate.sign_in_unseen(ada, f"/tests/{small_exam.id}")
    is_live(paper)
    page = desks.desk(house).sign_in_unseen(house.invigilator(small_exam), "/monitor?column=name&column=status")
    search(page, "ada", 1)
    expect(row(page, "Ada").locator("[data-column=status]")).to_contain_text("Online")
    form = compose_for_one(page, "Ada")
    expect(form).to_contain_text("To 1 person")
    expect(form).to_contain_text("1 sees it at once")
    write(form, "Your desk lamp", "May we move it?\nIt blinks.")
    press_send(form)
    was_sent(form, 1)
    expect(notice(paper, "Your desk lamp")).to_be_visible()
    expect(notice(paper, "Your desk lamp")).to_contain_text("May we move it?\nIt blinks.")
    assert reached(house, "Your desk lamp") == {ada.id}
    expect(quiet_bar(page)).to_contain_text("1 online")
    quiet_bar(page).get_by_role("link", name="Open").click()
    expect(page).to_have_url(re.compile(rf"/messages/{sent_with(house, 'Your desk lamp').id}$"))
    expect(page.get_by_role("main")).to_contain_text("Your desk lamp")
    expect(page.get_by_role("main")).to_contain_text("Ada")


def test_to_selected_ones_over_pages_sorting_and_refreshes(house: House, desks: Desks, exam: Test) -> None:
    """The selection survives pages, sorting and refreshes; shift selects a range; another filter clears it."""
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor")
    shows(page, 160)
    boxes = rows(page).get_by_role("checkbox")
    chosen = [rows(page).nth(place).get_attribute("data-candidacy") for place in (2, 3, 4)]
    boxes.nth(2).check()
    boxes.nth(4).click(modifiers=["Shift"])
    bar = page.get_by_role("region", name="For the selected candidates")
    expect(bar).to_contain_text("3 selected")
    page.get_by_role("link", name="Page 2").click()
    expect(page).to_have_url(re.compile("page=2"))
    expect(bar).to_contain_text("3 selected")
    expect(bar).to_contain_text("3 of them not on this page")
    page.get_by_role("columnheader", name="Candidate").get_by_role("link").click()
    expect(page).to_have_url(re.compile("sort="))
    expect(bar).to_contain_text("3 selected")
    with page.expect_response(lambda answer: "/monitor" in answer.url and answer.request.method == "GET"):
        pass  # the next refresh
    expect(bar).to_contain_text("3 selected")
    form = compose_for_selected(page)
    expect(form).to_contain_text("To 3 people")
    write(form, "To three of you")
    press_send(form)
    was_sent(form, 3)
    wanted = {one.user_id for one in house.candidacies_of(exam) if str(one.id) in chosen}
    assert reached(house, "To three of you") == wanted
    search(page, "room 7", 77)
    expect(bar).to_be_hidden()


def test_to_all_77_of_a_filter(house: House, desks: Desks, exam: Test) -> None:
    """R17 and trap 21: the count, the dialog and the sending are the same 77."""
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor")
    filter_by(page, "room", "Room 7")
    shows(page, 77)
    form = compose_for_all(page)
    expect(form).to_contain_text("To 77 people")
    expect(form.locator(".chip")).to_contain_text(["Room 7"])
    write(form, "Room 7 only")
    press_send(form)
    was_sent(form, 77)
    wanted = {one.user_id for one in house.candidacies_of(exam) if one.room == "Room 7"}
    assert reached(house, "Room 7 only") == wanted
    number = sent_with(house, "Room 7 only").id
    logged = select(func.count()).select_from(LogSubject).where(LogSubject.entry_id == number)
    assert house.fresh().scalar(logged) == 77


def test_r3_who_joins_while_the_dialog_is_open_is_said_and_the_text_is_kept(
    house: House, desks: Desks, small_exam: Test
) -> None:
    """409, nothing sent; the second press sends to those whom the dialog shows now."""
    desk = desks.desk(house)
    desk.expects("409")
    page = desk.sign_in_unseen(house.invigilator(small_exam), "/monitor")
    search(page, "room 7", 7)
    form = compose_for_all(page)
    write(form, "A changing room", "First line\nsecond line")
    late = house.candidate(small_exam, "Latecomer", room="Room 7")
    press_send(form)
    problem = form.get_by_role("alert")
    expect(problem).to_contain_text("Nothing was sent yet")
    expect(problem).to_contain_text("1 person joined")
    expect(form).to_contain_text("To 8 people")
    expect(form.get_by_label("Subject")).to_have_value("A changing room")
    expect(form.get_by_label("Message", exact=True)).to_have_value("First line\nsecond line")
    assert reached(house, "A changing room") == set()
    press_send(form)
    was_sent(form, 8)
    assert late.id in reached(house, "A changing room")


def test_r2_r7_to_one_twice_with_a_bad_text_and_to_two(house: House, desks: Desks, small_exam: Test) -> None:
    """R2: pressing *Send* twice sends once.

    R7: what is wrong with the text is said beside it. 422: nothing sent, the text kept, and the way on is clear.
    """
    desk = desks.desk(house)
    desk.expects("422")
    ada, bob = house.candidate(small_exam, "Ada"), house.candidate(small_exam, "Bob")
    page = desk.sign_in_unseen(house.invigilator(small_exam), "/monitor?sort=name")
    form = compose_for_one(page, "Ada")
    write(form, "Once is enough")
    form.get_by_role("button", name="Send to").dblclick()
    was_sent(form, 1)
    assert sent_with(house, "Once is enough").persons == 1
    assert reached(house, "Once is enough") == {ada.id}

    form = compose_for_one(page, "Bob")
    write(form, "", "A body without a subject")
    press_send(form)
    expect(form.get_by_role("alert")).to_contain_text("Nothing was sent yet")
    expect(form).to_contain_text("Please write a subject.")
    expect(form.get_by_label("Subject")).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_label("Message", exact=True)).to_have_value("A body without a subject")
    form.get_by_label("Subject").fill("😀" * 121)
    expect(form).to_contain_text("121 / 120")
    form.get_by_label("Subject").fill("😀" * 120)
    expect(form).to_contain_text("120 / 120")
    press_send(form)
    was_sent(form, 1)
    assert sent_with(house, "😀" * 120).body == "A body without a subject"
    expect(row(page, "Bob")).to_be_visible()

    tick(page, "Ada").check()
    tick(page, "Bob").check()
    form = compose_for_selected(page)
    write(form, "To you two")
    press_send(form)
    was_sent(form, 2)
    assert reached(house, "To you two") == {ada.id, bob.id}


def test_r18_the_address_holds_the_view(house: House, desks: Desks, exam: Test) -> None:
    """Reload, back and a colleague's browser show the same."""
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor")
    shows(page, 160)
    search(page, "room 7", 77)
    expect(page).to_have_url(re.compile("q=room"))
    page.get_by_role("link", name="Page 2").click()
    expect(page).to_have_url(re.compile("page=2"))
    expect(rows(page)).to_have_count(27)
    seen = rows(page).evaluate_all("rows => rows.map(row => row.dataset.candidacy)")
    page.reload()
    shows(page, 77)
    assert rows(page).evaluate_all("rows => rows.map(row => row.dataset.candidacy)") == seen
    expect(page.get_by_role("searchbox", name="Search candidates")).to_have_value("room 7")
    colleague = desks.desk(house).sign_in_unseen(house.invigilator(exam), page.url.removeprefix(house.url))
    shows(colleague, 77)
    assert rows(colleague).evaluate_all("rows => rows.map(row => row.dataset.candidacy)") == seen
    page.go_back()
    expect(page).not_to_have_url(re.compile("page=2"))
    expect(rows(page)).to_have_count(50)
    page.go_back()
    shows(page, 160)
    expect(page.get_by_role("searchbox", name="Search candidates")).to_have_value("")


NOTHING_NOTED = "() => JSON.stringify(history.state) === JSON.stringify({htmx: true})"
"""The page's scripts, which come after its list, have taken their note out of the history."""


@pytest.mark.nightly
def test_r18_back_twice_at_once_shows_what_the_address_says(house: House, desks: Desks, small_exam: Test) -> None:
    """The second time before the page's scripts are there (a slow network): the address changes, and nothing else."""
    page = desks.desk(house).sign_in_unseen(house.invigilator(small_exam), "/monitor")
    shows(page, 10)
    search(page, "röom & 7%", 0)
    search(page, "room 7", 7)
    expect(page).to_have_url(re.compile("q=room"))
    late: list[Route] = []
    there = Event()

    def hold(route: Route) -> None:
        if there.is_set():  # the scripts that come ask for others
            route.continue_()
        else:
            late.append(route)

    page.route("**/*.js*", hold)
    page.reload(wait_until="commit")
    expect(rows(page)).to_have_count(7)
    page.go_back(wait_until="commit")
    expect(page).to_have_url(re.compile("q=r%C3%B6om"))
    there.set()
    for route in late:
        route.continue_()
    shows(page, 0)
    expect(page.get_by_role("searchbox", name="Search candidates")).to_have_value("röom & 7%")
    page.go_back()
    shows(page, 10)
    until(lambda: page.evaluate(NOTHING_NOTED))
    page.go_forward()
    shows(page, 0)
    until(lambda: page.evaluate(NOTHING_NOTED))
