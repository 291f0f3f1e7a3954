"""R9: a notice is there once in every tab until the candidate closes it, over reloads, pages and tabs."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import Desks, House, is_live, notice, opened_house
from tests.databases import Database
from tests.nightly import at_night

pytestmark = [pytest.mark.browser, pytest.mark.one_database]


def is_there_once(page: Page, subject: str) -> None:
    """Exactly one."""
    expect(notice(page, subject)).to_have_count(1)


def test_r9_reload_back_and_a_second_tab(house: House, desks: Desks) -> None:
    """Traps 3, 8, 12, 13 and 19: there once and staying; closed in one tab, it goes from the other and stays closed."""
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    desk = desks.desk(house)
    first = desk.sign_in_unseen(ada)
    desk.goto(f"/tests/{exam.id}")
    is_live(first)
    ines.send("Stays", scope="filtered")
    is_there_once(first, "Stays")
    first.reload()
    is_live(first)
    is_there_once(first, "Stays")
    first.go_back()
    expect(first).to_have_url(house.url + "/")
    is_live(first)
    is_there_once(first, "Stays")
    first.go_forward()
    is_live(first)
    second = desk.tab(f"/tests/{exam.id}")
    is_live(second)
    ines.send("Also", scope="filtered")
    for page in (first, second):
        is_there_once(page, "Also")
        is_there_once(page, "Stays")
    expect(second).to_have_title(re.compile(r"^\(2\) "))
    second.bring_to_front()
    notice(second, "Also").get_by_role("button", name="Got it").click()
    for page in (first, second):
        expect(notice(page, "Also")).to_have_count(0)
        is_there_once(page, "Stays")
    first.reload()
    is_live(first)
    expect(notice(first, "Also")).to_have_count(0)
    is_there_once(first, "Stays")
    elsewhere = desks.desk(house).sign_in_unseen(ada)
    is_live(elsewhere)
    is_there_once(elsewhere, "Stays")
    expect(notice(elsewhere, "Also")).to_have_count(0)
    expect(elsewhere.get_by_role("region", name=re.compile("^Messages"))).to_contain_text("Also")


@pytest.mark.parametrize("count", [7, *at_night(10)])
def test_all_tabs_get_it(house: House, desks: Desks, count: int) -> None:
    """Traps 9 and 10: two by stream, the others by polling; closed in one, it goes from all.

    Pages still load, though they are more than the six connections that a browser opens to a server.
    """
    many_tabs(house, desks, count)


@pytest.mark.nightly
@pytest.mark.only_on("postgresql")
def test_ten_tabs_of_two_processes(database: Database, desks: Desks) -> None:
    """The same where each process sees a part of the streams: the browser's limit is one."""
    with opened_house(database, arguments=["-w", "2"]) as house:
        many_tabs(house, desks, 10)


def many_tabs(house: House, desks: Desks, count: int) -> None:
    """So many tabs of a candidate."""
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    desk = desks.desk(house)
    tabs = [desk.sign_in_unseen(ada, "/"), *(desk.tab(f"/tests/{exam.id}") for _ in range(count - 1))]
    for tab in tabs[:-2]:
        expect(tab.locator("[data-notices-state]")).to_have_attribute("data-state", "polling")
    for tab in tabs[-2:]:
        is_live(tab)
    ines.send("For every tab", scope="filtered")
    for tab in tabs:
        is_there_once(tab, "For every tab")
    notice(tabs[4], "For every tab").get_by_role("button", name="Got it").click()
    for tab in tabs:
        expect(notice(tab, "For every tab")).to_have_count(0)
    tabs[0].goto(house.url + "/inbox")
    expect(tabs[0].locator("[data-message]")).to_have_count(1)


def test_polling_only_candidates_are_online_and_get_messages(house_with, desks: Desks) -> None:  # type: ignore[no-untyped-def]
    """R21, and a process that serves no streams: they poll, are shown online, and get it."""
    house = house_with(EXAMHALL_STREAMS_PER_PROCESS="0")
    exam = house.exam()
    ada, ines = house.candidate(exam), house.invigilator(exam)
    desk = desks.desk(house)
    desk.expects("503")
    page = desk.sign_in_unseen(ada, f"/tests/{exam.id}")
    expect(page.locator("[data-notices-state]")).to_have_attribute("data-state", "polling")
    monitor = desks.desk(house).sign_in_unseen(ines, "/monitor?column=status")
    expect(monitor.locator("tr[data-candidacy] [data-column=status]")).to_contain_text("Online")
    house.over_http(ines).send("Polled", scope="filtered")
    is_there_once(page, "Polled")
    notice(page, "Polled").get_by_role("button", name="Got it").click()
    page.reload()
    expect(page.locator("[data-notices-state]")).to_have_attribute("data-state", "polling")
    expect(notice(page, "Polled")).to_have_count(0)
