"""What can go wrong while a message is written: the text is never lost, and Send works in the end (R2, R3)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from tests.browser.house import CUT, Desk, Desks, House
from tests.browser.monitor_page import compose_for_all, compose_for_one, press_send, tick, was_sent, write
from webapp.models import Message, User

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

BODY = "The text that\nmust not be lost"


def begin(house: House, desk: Desk) -> tuple[User, Page, Locator]:
    """An invigilator with a written message in the dialog."""
    exam = house.exam()
    house.candidate(exam, "Ada")
    ines = house.invigilator(exam)
    page = desk.sign_in_unseen(ines, "/monitor")
    form = compose_for_one(page, "Ada")
    write(form, f"Kept {exam.id}", BODY)
    return ines, page, form


def text_is_kept(form: Locator) -> str:
    """Still as typed; gives the subject."""
    expect(form.get_by_label("Message", exact=True)).to_have_value(BODY)
    expect(form.get_by_label("Subject")).to_have_value(re.compile("^Kept "))
    return form.get_by_label("Subject").input_value()


def sendings(house: House, subject: str) -> int:
    """How many there are with this subject."""
    return len(house.fresh().scalars(select(Message.id).where(Message.subject == subject)).all())


def test_the_session_ends_while_composing(house: House, desks: Desks) -> None:
    """401 is said, the text kept; signed in again in another tab, the same button sends, once."""
    desk = desks.desk(house)
    desk.expects("401", "400")
    ines, page, form = begin(house, desk)
    desk.context.clear_cookies()
    press_send(form)
    expect(form.get_by_role("alert")).to_contain_text("Your session has ended")
    subject = text_is_kept(form)
    assert sendings(house, subject) == 0
    with desk.context.expect_page() as opened:
        form.get_by_role("alert").get_by_role("link", name="Sign in").click()
    tab = opened.value
    tab.get_by_label("Username").fill(ines.username)
    tab.get_by_label("Password", exact=True).fill("correct horse battery")
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.locator(".signed-in-name")).to_have_text("Ines")
    page.bring_to_front()
    press_send(form)
    expect(form.get_by_role("alert")).to_contain_text("Press the same button again")
    text_is_kept(form)
    assert sendings(house, subject) == 0
    press_send(form)
    was_sent(form, 1)
    assert sendings(house, subject) == 1


@pytest.mark.nightly
def test_the_server_is_away_while_composing(own_house: House, desks: Desks) -> None:
    """It says so and keeps the text; after the restart the same press sends, once."""
    house = own_house
    desk = desks.desk(house)
    desk.expects(*CUT)
    _, page, form = begin(house, desk)
    house.server.kill()
    press_send(form)
    expect(form.get_by_role("alert")).to_contain_text("The server could not be reached")
    expect(form.get_by_role("button", name="Send to")).to_be_enabled()
    subject = text_is_kept(form)
    expect(page.locator("[data-connection-box]")).to_contain_text("No connection to the server")
    house.server.start()
    press_send(form)
    was_sent(form, 1)
    assert sendings(house, subject) == 1
    expect(page.locator("[data-connection-box]")).to_be_hidden()


@pytest.mark.nightly
def test_enter_does_nothing_that_cannot_be_seen(house: House, desks: Desks) -> None:
    """In the subject, and in the box of a candidate while nobody is selected. Escape by mistake costs nothing."""
    _, page, form = begin(house, desks.desk(house))
    subject = form.get_by_label("Subject").input_value()
    form.get_by_label("Subject").press("Enter")
    expect(form.get_by_label("Subject")).to_have_value(subject)
    page.keyboard.press("Escape")
    expect(form).to_be_hidden()
    text_is_kept(compose_for_one(page, "Ada"))
    page.keyboard.press("Escape")
    tick(page, "Ada").press("Enter")
    expect(form).to_be_hidden()
    tick(page, "Ada").check()
    tick(page, "Ada").press("Enter")
    text_is_kept(form)
    assert sendings(house, subject) == 0


def test_trap_23_a_colleague_sent_to_the_same_people_just_before(house: House, desks: Desks) -> None:
    """A warning, not a block."""
    exam = house.exam()
    house.candidate(exam, "Ada")
    house.over_http(house.invigilator(exam, name="Colleague")).send("Ten minutes more", scope="filtered")
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor")
    form = compose_for_one(page, "Ada")
    expect(form.locator("[data-overlap]")).to_contain_text("Colleague")
    expect(form.locator("[data-overlap]")).to_contain_text("Ten minutes more")
    write(form, "Mine as well")
    press_send(form)
    was_sent(form, 1)


@pytest.mark.nightly
def test_r4_over_the_limit_there_is_a_way_on_with_the_text(house_with, desks: Desks) -> None:  # type: ignore[no-untyped-def]
    """422 says how many, sends nothing, and each room's link opens the same message for that part."""
    house = house_with(EXAMHALL_MAX_RECIPIENTS="3")
    exam = house.exam()
    house.hall.candidacies(exam, 3, room="Room 1")
    house.hall.candidacies(exam, 2, room="Room 2")
    desk = desks.desk(house)
    desk.expects("422")
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor")
    form = compose_for_all(page)
    expect(form.get_by_role("alert")).to_contain_text("This would reach 5 people. One message can go to at most 3")
    expect(form.get_by_role("button", name="Send to")).to_have_count(0)
    write(form, "Kept for the part", BODY)
    form.get_by_role("link", name="Room 1").click()
    expect(form).to_contain_text("To 3 people")
    expect(form.get_by_label("Subject")).to_have_value("Kept for the part")
    expect(form.get_by_label("Message", exact=True)).to_have_value(BODY)
    press_send(form)
    was_sent(form, 3)
