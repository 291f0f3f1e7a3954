"""The line breaks, the server dies: no notice is lost or doubled, no answer is lost (R8, R9, traps 1, 2, 5)."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from tests.browser.house import CUT, Desks, House, is_live, notice
from webapp.extensions import db
from webapp.models import Answer, Candidacy

pytestmark = [pytest.mark.browser, pytest.mark.one_database]


def answer_field(page: Page):  # type: ignore[no-untyped-def]
    """The one answer."""
    return page.get_by_role("textbox", name="Answer to question 1")


def stored_answer(house: House, user_id: int) -> str:
    """What the database has."""
    query = db.select(Answer.text).join(Candidacy).where(Candidacy.user_id == user_id)
    return house.fresh().scalars(query).one()


def is_stored(house: House, user_id: int, text: str) -> None:
    """Wait until the database has this answer: pages wait up to half a minute before they try again."""
    deadline = time.monotonic() + 40
    while stored_answer(house, user_id) != text:
        assert time.monotonic() < deadline, stored_answer(house, user_id)
        time.sleep(0.2)


def test_r9_a_stream_cut_during_the_sending(house: House, desks: Desks) -> None:
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    desk = desks.desk(house)
    desk.expects(*CUT)
    page = desk.sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(page)
    ines.send("Before", scope="filtered")
    expect(notice(page, "Before")).to_have_count(1)
    desk.context.set_offline(True)
    expect(page.locator("[data-notices-state]")).to_have_attribute("data-state", "lost")
    expect(page.locator("[data-notices-state]")).to_contain_text("Keep writing, your text is kept")
    ines.send("While cut", scope="filtered")
    answer_field(page).press_sequentially("written without a line")
    expect(page.locator("[data-save-state]")).to_contain_text("Not saved yet")
    desk.context.set_offline(False)
    expect(notice(page, "While cut")).to_be_visible()
    is_live(page)
    expect(notice(page, "Before")).to_have_count(1)
    expect(notice(page, "While cut")).to_have_count(1)
    expect(answer_field(page)).to_have_value("written without a line")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved", timeout=40_000)
    assert stored_answer(house, ada.id) == "written without a line"


def test_r8_the_server_is_killed_and_started_again_during_the_exam(own_house: House, desks: Desks) -> None:
    """Trap 5: pages come back by themselves; a sending right after the start reaches them; typed text is saved.

    That of a page which was closed meanwhile too: its own copy is put back, and saved then.
    """
    house = own_house
    exam = house.exam()
    ada, bob, ines = house.candidate(exam, "Ada"), house.candidate(exam, "Bob"), house.invigilator(exam)
    sender = house.over_http(ines)
    writing, reading = desks.desk(house), desks.desk(house)
    for desk in (writing, reading):
        desk.expects(*CUT)
    page = writing.sign_in_unseen(ada, f"/tests/{exam.id}")
    other = reading.sign_in_unseen(bob)
    closed = reading.tab(f"/tests/{exam.id}")
    for one in (page, other, closed):
        is_live(one)
    sender.send("Before", scope="filtered")
    expect(notice(page, "Before")).to_have_count(1)
    expect(notice(other, "Before")).to_have_count(1)
    answer_field(page).press_sequentially("saved. ")
    answer_field(closed).press_sequentially("saved too. ")
    for one in (page, closed):
        expect(one.locator("[data-save-state]")).to_have_attribute("data-state", "saved")
    house.server.kill()
    expect(page.locator("[data-notices-state]")).to_have_attribute("data-state", "lost")
    answer_field(page).press_sequentially("typed while it was away")
    answer_field(closed).press_sequentially("only on this page")
    for one in (page, closed):
        expect(one.locator("[data-save-state]")).to_contain_text("Not saved yet. Your text is safe on this page")
    closed.close()
    house.server.start()
    assert sender.send("After", scope="filtered").status_code == 201  # before most of them are back
    for one in (page, other):
        expect(notice(one, "After")).to_have_count(1, timeout=30_000)
        is_live(one)
        expect(notice(one, "After")).to_have_count(1)
        expect(notice(one, "Before")).to_have_count(1)
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved", timeout=40_000)
    expect(answer_field(page)).to_have_value("saved. typed while it was away")
    assert stored_answer(house, ada.id) == "saved. typed while it was away"
    assert stored_answer(house, bob.id) == "saved too. "
    again = reading.tab(f"/tests/{exam.id}")
    expect(answer_field(again)).to_have_value("saved too. only on this page")
    expect(again.get_by_role("status").filter(has_text="has been put back")).to_be_visible()
    is_stored(house, bob.id, "saved too. only on this page")
    expect(again.locator("[data-save-state]")).to_contain_text(re.compile(r"^Saved "))


def test_trap_2_a_slow_poll_does_not_overwrite_what_the_stream_brought(house: House, desks: Desks) -> None:
    """What was read before a sending and before a closing arrives after both: neither is undone."""
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    ines.send("Closed meanwhile", scope="filtered")
    desk = desks.desk(house)
    desk.expects(*CUT)
    late: list[tuple[Route, APIResponse]] = []
    page = desk.page
    page.route("**/stream", lambda route: route.abort(), times=1)  # so that the page polls once
    page.route("**/inbox/new", lambda route: late.append((route, route.fetch())), times=1)
    desk.sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(page)
    ines.send("Brought by the stream", scope="filtered")
    expect(notice(page, "Brought by the stream")).to_have_count(1)
    notice(page, "Closed meanwhile").get_by_role("button", name="Got it", include_hidden=True).evaluate(
        "one => one.click()"
    )
    expect(notice(page, "Closed meanwhile")).to_have_count(0)
    [(route, answer)] = late
    assert "Closed meanwhile" in answer.text()
    assert "Brought by the stream" not in answer.text()
    with page.expect_response("**/inbox/new"):
        route.fulfill(response=answer)
    page.wait_for_timeout(300)
    expect(notice(page, "Brought by the stream")).to_have_count(1)
    expect(notice(page, "Closed meanwhile")).to_have_count(0)
