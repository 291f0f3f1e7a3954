"""Trap 11: after sign-out nothing of a person stays in the browser, and the next one sees their own."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import Desks, House, is_live, notice

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


def sign_out(page: Page) -> None:
    """The menu on every page; in an exam it asks once more."""
    page.locator("details.account > summary").click()
    if page.get_by_text("Sign out…").is_visible():
        page.get_by_text("Sign out…").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/login"))


def stored(page: Page) -> list[str]:
    """All that this browser keeps for the site."""
    return page.evaluate("() => [...Object.entries(localStorage), ...Object.entries(sessionStorage)].flat()")  # type: ignore[no-any-return]


def test_trap_11_the_next_candidate_at_the_same_computer(house: House, desks: Desks) -> None:
    exam = house.exam()
    ada, bob = house.candidate(exam, "Ada Secret"), house.candidate(exam, "Bob")
    ines = house.over_http(house.invigilator(exam))
    ines.send("For Ada only", scope="filtered", q="ada secret")
    desk = desks.desk(house)
    desk.expects("401")
    page = desk.sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(page)
    second = desk.tab("/inbox")
    is_live(second)
    page.bring_to_front()
    page.get_by_role("textbox").first.press_sequentially("Ada's private answer")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved")
    notice(page, "For Ada only").get_by_role("button", name="Got it").click()
    expect(notice(second, "For Ada only")).to_have_count(0)
    sign_out(page)
    assert stored(page) == []
    expect(second).to_have_url(re.compile("/login"))
    page.go_back()
    page.wait_for_load_state()
    for one in (page, second):
        expect(one).to_have_url(re.compile("/login"))
        expect(one.locator("body")).not_to_contain_text("Ada")
    second.close()
    ines.send("For both", scope="filtered")
    page = desk.sign_in(bob)
    is_live(page)
    expect(notice(page, "For both")).to_be_visible()
    notice(page, "For both").get_by_role("button", name="Got it").click()
    expect(notice(page, "For both")).to_have_count(0)
    expect(page.locator("body")).not_to_contain_text("Ada")
    assert "Ada" not in " ".join(stored(page))
    sign_out(page)
    page = desk.sign_in_unseen(ada)
    expect(notice(page, "For both")).to_be_visible()
    expect(notice(page, "For Ada only")).to_have_count(0)


def test_trap_11_a_page_left_open_follows_the_next_sign_in(house: House, desks: Desks) -> None:
    """Bob signs in over Ada in another tab: her page goes away, and never shows what is his, nor writes for him."""
    exam = house.exam()
    ada, bob = house.candidate(exam, "Ada Secret"), house.candidate(exam, "Bob")
    desk = desks.desk(house)
    # her page may answer a beat before it has seen that its session is gone; not before he has signed in, though
    desk.expects("40[01] .*/ping", "ERR_FAILED", "409")  # 409: what it asks in her name when he is signed in
    hers = desk.sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(hers)
    hers.route("**/ping", lambda route: route.abort())
    # how her tests stand: asked at some moment in the first seconds of the stream, perhaps while nobody is signed in
    hers.route(f"{house.url}/", lambda one: one.abort() if one.request.resource_type == "fetch" else one.continue_())
    desk.context.clear_cookies()
    his = desk.tab("/login")
    his.get_by_label("Username").fill(bob.username)
    his.get_by_label("Password", exact=True).fill("correct horse battery")
    his.get_by_role("button", name="Sign in").click()
    expect(his.locator(".signed-in-name")).to_have_text("Bob")
    hers.unroute("**/ping")
    hers.unroute(f"{house.url}/")
    expect(hers.locator(".signed-in-name")).to_have_text("Bob")
    expect(hers.locator("body")).not_to_contain_text("Ada Secret")
