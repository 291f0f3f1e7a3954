"""What a browser may lack, forbid or have full: without it notices arrive, answers are saved, filters and sending work.

Each part is taken away before a page's scripts run. No page may report an error (`Desks.close`).
"""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import CUT, Desk, Desks, House, is_live, notice
from tests.browser.monitor_page import (
    compose_for_all,
    compose_for_selected,
    dialog,
    filter_by,
    press_send,
    row,
    shows,
    tick,
    was_sent,
    write,
)
from tests.browser.test_interruptions import answer_field, is_stored
from tests.nightly import named
from tests.until import until
from webapp.config import ROOT

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

STORES = ("localStorage", "sessionStorage", "indexedDB")
NO_CHANNEL = "delete window.BroadcastChannel;"
CHANNEL_FORBIDDEN = (
    "window.BroadcastChannel = class { constructor() { throw new DOMException('forbidden', 'SecurityError'); } };"
)
FORBIDDEN = "".join(
    f"Object.defineProperty(window, '{store}', {{"
    " get() { throw new DOMException('forbidden', 'SecurityError'); } });"
    for store in STORES
)
NULL = "".join(f"Object.defineProperty(window, '{store}', {{ get: () => null }});" for store in STORES)
FULL = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"
UNREADABLE = "Storage.prototype.getItem = () => '{half a tex';"
OLD = (
    "delete AbortSignal.timeout; delete AbortSignal.any; delete window.structuredClone; delete crypto.randomUUID;"
    "delete Navigator.prototype.locks; delete Navigator.prototype.sendBeacon; delete Navigator.prototype.connection;"
    "for (const name of ['popover', 'showPopover', 'hidePopover', 'togglePopover']) delete HTMLElement.prototype[name];"
    "delete Document.prototype.startViewTransition; delete Element.prototype.moveBefore; delete window.navigation;"
    "delete window.print; delete Element.prototype.checkVisibility;"
    "delete window.ResizeObserver; delete window.IntersectionObserver; delete window.requestIdleCallback;"
)
UNKNOWN_ZONE = (
    "const Format = Intl.DateTimeFormat; Intl.DateTimeFormat = function (locale, options) {"
    " if (options?.timeZone && options.timeZone !== 'UTC') throw new RangeError('Invalid time zone');"
    " return new Format(locale, options); };"
)


def clock_off(days: int) -> str:
    """The computer's own date is wrong by so many days."""
    return (
        f"const Right = Date; const off = {days} * 24 * 3600 * 1000;"
        "window.Date = class extends Right {"
        " constructor(...parts) { parts.length ? super(...parts) : super(Right.now() + off); }"
        " static now() { return Right.now() + off; } };"
    )


TAKEN = {
    "no BroadcastChannel": NO_CHANNEL,
    "BroadcastChannel and storage forbidden": CHANNEL_FORBIDDEN + FORBIDDEN,
    "storage null": NULL,
    "storage full": FULL,
    "storage unreadable": UNREADABLE,
    "an old browser": OLD + UNKNOWN_ZONE,
    "three days ahead": clock_off(3),
    "three days behind": clock_off(-3) + NO_CHANNEL,
}


def without(desk: Desk, script: str) -> Desk:
    """The desk's pages lack what the script takes away."""
    desk.context.add_init_script(script)
    return desk


@pytest.mark.parametrize("taken", named(TAKEN, {"BroadcastChannel and storage forbidden"}))
def test_a_candidate_gets_notices_and_saves(house: House, desks: Desks, taken: str) -> None:
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    desk = without(desks.desk(house), taken)
    desk.expects(*CUT, "401")
    page = desk.sign_in(ada, f"/tests/{exam.id}")
    is_live(page)
    other = desk.tab("/inbox")
    is_live(other)
    page.bring_to_front()
    ines.send("One", scope="filtered")
    expect(notice(page, "One")).to_be_visible()
    answer_field(page).press_sequentially("written")
    expect(page.locator("[data-save-state]")).to_have_attribute("data-state", "saved")
    is_stored(house, ada.id, "written")
    notice(page, "One").get_by_role("button", name="Got it").click()
    expect(notice(other, "One")).to_have_count(0)
    page.route("**/stream", lambda route: route.abort())
    page.reload()
    expect(page.locator("[data-notices-state]")).to_have_attribute("data-state", "polling")
    ines.send("Two", scope="filtered")
    expect(notice(page, "Two")).to_be_visible()
    expect(answer_field(page)).to_have_value("written")
    sign_out(page)
    expect(page).to_have_url(re.compile("/login"))
    expect(other).to_have_url(re.compile("/login"))


def sign_out(page: Page) -> None:
    """By its form, wherever on the page it stands and however often it asks."""
    page.locator('form[action="/logout"]').evaluate("form => form.requestSubmit()")


@pytest.mark.parametrize("taken", named(TAKEN, by_day=set()))
def test_an_invigilator_filters_selects_and_sends(house: House, desks: Desks, taken: str) -> None:
    exam = house.exam()
    house.hall.candidacies(exam, 3, room="Room 7")
    house.candidate(exam, "Ada", room="Room 8")
    house.candidate(exam, "Bob", room="Room 8")
    page = without(desks.desk(house), taken).sign_in(house.invigilator(exam), "/monitor")
    filter_by(page, "room", "Room 8")
    shows(page, 2)
    tick(page, "Ada").check()
    form = compose_for_selected(page)
    write(form, "Ada alone")
    press_send(form)
    was_sent(form, 1)
    row(page, "Bob").get_by_role("button", name="More for Bob").click()
    page.locator("#row-menu").get_by_role("link", name="Message…").click()
    expect(dialog(page)).to_contain_text("Bob")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    form = compose_for_all(page)
    expect(form).to_contain_text("To 2 people")
    write(form, "Both")
    press_send(form)
    was_sent(form, 2)
    with page.expect_response(re.compile("/monitor")):
        page.wait_for_timeout(5_500)
    page.goto(f"{house.url}/log")
    expect(page.get_by_role("main")).to_contain_text("Ada alone")


@pytest.mark.nightly
@pytest.mark.parametrize("days", [3, -3])
def test_kept_text_is_not_deleted_by_the_computers_own_clock(house: House, desks: Desks, days: int) -> None:
    """Neither three days ahead nor behind: days are the server's."""
    exam = house.exam()
    candidate = house.candidate(exam)
    desk = desks.desk(house)
    desk.expects(*CUT)
    page = desk.sign_in_unseen(candidate, f"/tests/{exam.id}")
    is_live(page)
    page.route("**/answers/**", lambda route: route.abort())
    answer_field(page).press_sequentially("only on this page")
    expect(page.locator("[data-save-state]")).to_contain_text("Not saved yet")
    page.wait_for_timeout(500)
    page.close()
    desk.context.add_init_script(clock_off(days))
    page = desk.tab(f"/tests/{exam.id}")
    expect(answer_field(page)).to_have_value("only on this page")
    is_stored(house, candidate.id, "only on this page")


def test_text_that_the_server_knows_to_be_a_day_old_goes(house: House, desks: Desks) -> None:
    """A shared computer does not keep it for good."""
    exam = house.exam()
    ada = house.candidate(exam)
    desk = desks.desk(house)
    desk.keep_cookie(ada)
    page = desk.goto("/")
    kept = {"text": "of last week", "base": "0", "keptAt": (time.time() - 25 * 3600) * 1000}
    key = page.evaluate(
        """(kept) => {
          localStorage.setItem('examhall.unsaved.9999.1.x', JSON.stringify(kept));
          return 'examhall.unsaved.9999.1.x';
        }""",
        kept,
    )
    page = desk.goto(f"/tests/{exam.id}")
    is_live(page)
    until(lambda: page.evaluate("(key) => localStorage.getItem(key)", key) is None)


def test_these_parts_are_used_in_one_module() -> None:
    """Another module would use it unguarded. Popovers have a module of their own: candidates' pages open none."""
    parts = re.compile(
        r"\b(localStorage|sessionStorage|indexedDB|BroadcastChannel|AbortSignal\.\w+|randomUUID|sendBeacon|structuredClone)\b"
        r"|navigator\.\w+|:popover-open|\.(show|hide|toggle)Popover\(|\bIntl\."
    )
    for path in sorted((ROOT / "static" / "js").glob("*.js")):
        if path.name in {"browser-parts.js", "popovers.js"}:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            assert not parts.search(line.partition("//")[0]), f"{path.name}:{number}: browser-parts.js has it guarded"
