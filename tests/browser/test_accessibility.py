"""axe finds nothing on any page and in any state: light, dark, and in forced colors."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.house import Desks, House, is_live, notice
from tests.browser.monitor_page import (
    compose_for_all,
    compose_for_one,
    compose_for_selected,
    press_send,
    row,
    tick,
    was_sent,
    write,
)
from webapp.models import Role

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

axe = Axe()


def clean(page: Page, where: str, part: str | None = None) -> None:
    """No violation in this state, or in one part of it; where only colors differ, these are tried."""
    colors = {"runOnly": ["color-contrast"]}
    for scheme, forced, rules in (("light", "none", {}), ("dark", "none", colors), ("dark", "active", colors)):
        page.emulate_media(color_scheme=scheme, forced_colors=forced)  # type: ignore[arg-type]
        page.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished))")  # colors on their way
        result = axe.run(page, context=part, options={"resultTypes": ["violations"], **rules})
        assert result.violations_count == 0, f"{where}, {scheme}, forced {forced}: {result.generate_report()}"


def test_signing_in(house: House, desks: Desks) -> None:
    ada = house.candidate(house.exam())
    desk = desks.desk(house)
    desk.expects("422")
    page = desk.goto("/login")
    clean(page, "sign-in")
    page.get_by_label("Username").fill(ada.username)
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    clean(page, "sign-in, refused")


def test_candidates_pages(house: House, desks: Desks) -> None:
    exam, early = house.exam(), house.exam("Law")
    ada = house.candidate(exam)
    house.hall.candidacy(early, ada, started_at=None)
    ines = house.over_http(house.invigilator(exam))
    desk = desks.desk(house)
    desk.expects("404")
    page = desk.sign_in_unseen(ada, "/")
    clean(page, "dashboard, no message")
    desk.goto("/inbox")
    clean(page, "message center, empty")
    desk.goto(f"/tests/{exam.id}")
    is_live(page)
    clean(page, "exam")
    ines.send("First", scope="filtered")
    expect(notice(page, "First")).to_be_visible()
    clean(page, "exam, one notice")
    for subject in ("Second", "Third"):
        ines.send(subject, scope="filtered")
        expect(notice(page, subject)).to_be_visible()
    clean(page, "exam, three notices")
    page.get_by_role("button", name="2 more messages").click()
    clean(page, "exam, three notices open")
    desk.goto("/")
    clean(page, "dashboard")
    desk.goto("/inbox")
    clean(page, "message center")
    desk.goto("/tests/999999")
    clean(page, "not found, for a candidate")
    desk.goto(f"/tests/{exam.id}?confirm=submit")
    clean(page, "submit?")
    page.get_by_role("button", name="Submit now").click()
    expect(page.get_by_role("main")).to_contain_text("Submitted")
    clean(page, "submitted")


def test_the_monitor_and_its_dialog(house: House, desks: Desks) -> None:
    exam = house.exam()
    house.hall.candidacies(exam, 4)
    ada = house.candidate(exam, "Ada", submitted_at=exam.starts_at, back_at=exam.starts_at)
    house.hall.seen(ada.id)
    desk = desks.desk(house, viewport={"width": 1440, "height": 900})
    desk.expects("409", "422", "htmx:error: timeout")  # axe holds the page for seconds, on a busy machine for ten
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor?sort=name")
    clean(page, "monitor")
    for group in page.locator("details[data-menu] > summary").all():
        group.click()
        clean(page, f"monitor, {group.inner_text()} open", "details[open]")
    page.keyboard.press("Escape")
    tick(page, "Ada").check()
    clean(page, "monitor, action bar")
    row(page, "Ada").get_by_role("button", name="More for Ada").click()
    clean(page, "monitor, menu of a row")
    page.keyboard.press("Escape")
    form = compose_for_selected(page)
    clean(page, "dialog")
    press_send(form)
    expect(form.get_by_role("alert")).to_be_visible()
    clean(page, "dialog, 422")
    page.keyboard.press("Escape")
    form = compose_for_all(page)
    form.locator("summary").filter(has_text="By test and room").click()
    write(form, "To all")
    house.candidate(exam, "Late")
    press_send(form)
    expect(form.get_by_role("alert")).to_be_visible()
    clean(page, "dialog, 409")
    press_send(form)
    was_sent(form, 6)
    clean(page, "sent")
    form = compose_for_one(page, "Ada")
    expect(form.locator("[data-overlap]")).to_be_visible()
    clean(page, "dialog, warning")


def test_the_log_and_the_pages_of_their_own(house: House, desks: Desks) -> None:
    exam, other = house.exam(), house.exam("Law")
    house.hall.candidacies(exam, 3)
    chief = house.invigilator(exam, role=Role.CHIEF_INVIGILATOR)
    sent = house.over_http(chief).send("Logged", scope="filtered").headers["Location"]
    desk = desks.desk(house)
    desk.expects("40[034]", "422")
    page = desk.sign_in_unseen(chief, "/log")
    for path in (
        "/log",
        "/log?text=nothing-like-this",
        "/log/" + sent.rpartition("/")[2],
        sent,
        "/messages/new?scope=filtered",
        "/messages/new?scope=filtered&q=nobody-at-all",
        "/monitor?q=nobody-at-all",
        "/monitor?colour=red",
        "/nowhere",
    ):
        desk.goto(path)
        clean(page, path)
    stranger = desks.desk(house)
    stranger.expects("403")
    closed = stranger.sign_in_unseen(house.candidate(other), "/monitor")
    clean(closed, "not allowed")
