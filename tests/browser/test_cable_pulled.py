"""R21, traps 6 and 19: presence has bounds in seconds. They are the true ones at night; by day all clocks are fast."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.cable import Cable
from tests.browser.house import CUT, Desks, House, is_live, notice
from tests.browser.monitor_page import row
from tests.nightly import clock_factors

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


@pytest.mark.nightly
@clock_factors
def test_r21_a_pulled_cable_shows_as_offline_within_90_s(
    house_with: Callable[..., House], desks: Desks, factor: int
) -> None:
    """The others stay online, notices stay where they are; plugged in again, what was missed comes."""
    house = house_with(clock_factor=factor)
    candidate, neighbour, invigilator = all_desks = [desks.desk(house) for _ in range(3)]
    for desk in all_desks:
        desk.quicken(factor)
    second = 1_000 / factor
    exam = house.exam()
    ada, bob = house.candidate(exam, "Ada"), house.candidate(exam, "Bob")
    ines = house.invigilator(exam)
    with Cable(house.server.port) as cable:
        candidate.expects(*CUT)
        candidate.keep_cookie(ada)  # cookies do not look at ports
        paper = candidate.page
        paper.goto(f"{cable.url}/tests/{exam.id}")
        near = neighbour.sign_in_unseen(bob, f"/tests/{exam.id}")
        is_live(paper)
        is_live(near)
        shown = "&".join(f"column={key}" for key in ("name", "status", "warnings", "state"))
        monitor = invigilator.sign_in_unseen(ines, f"/monitor?{shown}")
        status = {name: row(monitor, name).locator("[data-column=status]") for name in ("Ada", "Bob")}
        for one in status.values():
            expect(one).to_contain_text("Online")
        house.over_http(ines).send("Before", scope="filtered")
        expect(notice(paper, "Before")).to_be_visible()
        cable.pull()
        pulled_at = time.monotonic()
        house.over_http(ines).send("While it was out", scope="filtered")
        paper.get_by_role("textbox").first.press_sequentially("written in the dark")
        expect(status["Ada"]).to_contain_text("Offline", timeout=95 * second)
        assert time.monotonic() - pulled_at < 90 / factor
        expect(row(monitor, "Ada").locator("[data-column=warnings]")).to_contain_text("Offline", ignore_case=True)
        expect(row(monitor, "Ada").locator(".pill")).to_contain_text("Offline")
        expect(status["Bob"]).to_contain_text("Online")
        expect(notice(near, "Before")).to_have_count(1)
        expect(notice(near, "While it was out")).to_be_visible()
        expect(notice(paper, "Before")).to_be_visible()
        expect(notice(paper, "While it was out")).to_have_count(0)
        expect(paper.locator("[data-save-state]")).to_contain_text("Not saved yet")
        cable.plug_in()
        expect(notice(paper, "While it was out")).to_have_count(1, timeout=45 * second)
        expect(notice(paper, "Before")).to_have_count(1)
        expect(status["Ada"]).to_contain_text("Online", timeout=30 * second)
        expect(paper.locator("[data-save-state]")).to_have_attribute("data-state", "saved", timeout=60 * second)
        paper.close(run_before_unload=False)
