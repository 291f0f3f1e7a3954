"""R8, trap 9: a proxy that keeps a stream's bytes back costs a message seconds and no more, and the strip says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.cable import HoldingProxy, head_alone, head_and_beginning, nothing, whole
from tests.browser.house import CUT, Desk, Desks, House, is_live, notice
from tests.nightly import clock_factors, named
from webapp.models import User

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]
POLLED = 7_500
"""Milliseconds within which a page that polls has a message."""


def at_the_exam(desk: Desk, proxy: HoldingProxy, user: User, path: str) -> Page:
    """A candidate's page behind a proxy, with a clock that the test can put forward."""
    desk.expects(*CUT)
    desk.keep_cookie(user)  # cookies do not look at ports
    desk.page.clock.install()
    desk.page.goto(proxy.url + path)
    return desk.page


def says(page: Page, state: str, timeout: float = 15_000) -> None:
    """Wait until the strip says so, in words too."""
    words = {"polling": "within seconds", "live": "immediately", "lost": "Connection lost"}[state]
    expect(page.locator("[data-notices-state]")).to_have_attribute("data-state", state, timeout=timeout)
    expect(page.locator("[data-notices-state]")).to_contain_text(words)


@pytest.mark.parametrize("lets_through", named({"head and body kept": nothing, "body kept": head_alone}, {"body kept"}))
@clock_factors
def test_a_stream_whose_bytes_are_kept_back(
    house_with: Callable[..., House], desks: Desks, lets_through: Callable[[bytes], int], factor: int
) -> None:
    """Never called live; a message comes within the polls' time, always; then a stream is tried each minute, alone.

    The page's clock is put forward; beats take the server's time.
    """
    house = house_with(clock_factor=factor)
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    with HoldingProxy(house.server.port, lets_through) as proxy:
        page = at_the_exam(desks.desk(house), proxy, ada, f"/tests/{exam.id}")
        page.evaluate(
            "new MutationObserver((seen) => { for (const one of seen) window.states.push(one.target.dataset.state); })"
            ".observe(document.querySelector('[data-notices-state]'), { attributeFilter: ['data-state'] });"
            "window.states = []"
        )
        says(page, "polling")
        ines.send("While the first is awaited", scope="filtered")
        expect(notice(page, "While the first is awaited")).to_have_count(1, timeout=POLLED)
        for number in (1, 2):
            assert proxy.streams == number
            page.clock.fast_forward(25_000)
            page.wait_for_timeout(2_500)
            says(page, "polling")
        assert proxy.streams == 2, "two were in vain: no more for a minute"
        ines.send("While it polls", scope="filtered")
        expect(notice(page, "While it polls")).to_have_count(1, timeout=POLLED)
        page.clock.fast_forward(75_000)
        page.wait_for_timeout(2_500)
        assert proxy.streams == 3
        ines.send("While the third is awaited", scope="filtered")
        expect(notice(page, "While the third is awaited")).to_have_count(1, timeout=POLLED)
        assert "live" not in page.evaluate("states")
        proxy.lets_through = whole
        page.clock.fast_forward(25_000)
        page.wait_for_timeout(1_000)
        page.clock.fast_forward(75_000)
        says(page, "live", timeout=40_000 / factor)  # after its second beat: it has been quiet before
        ines.send("At once", scope="filtered")
        expect(notice(page, "At once")).to_have_count(1, timeout=2_000)
        expect(page.locator("[data-notice]")).to_have_count(4)


@pytest.mark.nightly
def test_a_stream_that_is_silent_after_its_first_beat(house: House, desks: Desks) -> None:
    """Called live for 20 s at most; the next one has to beat twice before it is believed."""
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    with HoldingProxy(house.server.port, head_and_beginning) as proxy:
        page = at_the_exam(desks.desk(house), proxy, ada, f"/tests/{exam.id}")
        is_live(page)
        ines.send("Into the silence", scope="filtered")
        page.clock.fast_forward(20_000)
        expect(notice(page, "Into the silence")).to_have_count(1, timeout=POLLED)
        says(page, "polling")
        page.clock.fast_forward(5_000)
        page.wait_for_timeout(2_500)
        assert proxy.streams == 2
        says(page, "polling")
        ines.send("Again", scope="filtered")
        expect(notice(page, "Again")).to_have_count(1, timeout=POLLED)
        page.clock.fast_forward(25_000)
        page.wait_for_timeout(2_500)
        assert proxy.streams == 2, "two were in vain"


@pytest.mark.nightly
def test_what_is_kept_back_and_comes_late_is_not_shown_twice(house: House, desks: Desks) -> None:
    """The body comes half a minute late, after the poll has brought the same."""
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    with HoldingProxy(house.server.port, head_alone) as proxy:
        page = at_the_exam(desks.desk(house), proxy, ada, f"/tests/{exam.id}")
        says(page, "polling")
        ines.send("Once", scope="filtered")
        expect(notice(page, "Once")).to_have_count(1, timeout=POLLED)
        proxy.lets_through = whole
        ines.send("Twice", scope="filtered")  # carries along what was kept
        says(page, "live")
        expect(notice(page, "Twice")).to_have_count(1)
        expect(page.locator("[data-notice]")).to_have_count(2)


@pytest.mark.nightly
def test_a_network_that_changes_while_the_page_polls(house: House, desks: Desks) -> None:
    """In the new network streams work: they are tried at once, and the strip follows."""
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    desk = desks.desk(house)
    with HoldingProxy(house.server.port, head_alone) as proxy:
        page = at_the_exam(desk, proxy, ada, f"/tests/{exam.id}")
        says(page, "polling")
        for _ in (1, 2):
            page.clock.fast_forward(25_000)
            page.wait_for_timeout(2_500)
        desk.context.set_offline(True)
        says(page, "lost")
        ines.send("Meanwhile", scope="filtered")
        proxy.lets_through = whole
        desk.context.set_offline(False)
        says(page, "live")
        expect(notice(page, "Meanwhile")).to_have_count(1)


@pytest.mark.nightly
def test_a_pages_polls_are_answered_by_somebody_else(house: House, desks: Desks) -> None:
    """A portal's page with status 200 is no answer: not to a stream, not to a poll, not to a closing."""
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    ines.send("Before", scope="filtered")
    desk = desks.desk(house)
    desk.expects(*CUT)
    page = desk.sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(page)
    portal = {"status": 200, "content_type": "text/html", "body": "<h1>Accept the terms</h1><div data-notices></div>"}
    page.route("**/inbox/**", lambda route: route.fulfill(**portal))
    page.route("**/stream", lambda route: route.fulfill(**portal))
    desk.context.set_offline(True)
    desk.context.set_offline(False)
    says(page, "lost")
    expect(notice(page, "Before")).to_have_count(1)
    ines.send("Meanwhile", scope="filtered")
    notice(page, "Before").get_by_role("button", name="Got it").click()
    expect(notice(page, "Before")).to_have_count(0)
    page.unroute_all()
    is_live(page)
    expect(notice(page, "Meanwhile")).to_have_count(1)
    page.wait_for_timeout(2_500)  # by now the closing is with the server
    page.reload()
    is_live(page)
    expect(notice(page, "Meanwhile")).to_have_count(1)
    expect(notice(page, "Before")).to_have_count(0)
