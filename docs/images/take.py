"""Take the README's pictures from a running sample hall that has lived for a few minutes:

make demo                                                    # in one terminal
.venv/bin/python docs/images/take.py http://127.0.0.1:8000   # in another
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from webapp.demo.hall import PASSWORD

HERE = Path(__file__).parent
TEST = "Mathematical Analysis"
ROOM = "room=Sal+A115"
GROUP_IN_ROOM = "room=Sal+A115&group=Group+07"
SUBJECT = "Question 2: a misprint"
BODY = "In question 2 read cos(t²), not sin(t²). Question 1 stays as it is."
ANSWER = "The gradient is (3x² − 3y², −6xy + 2). It vanishes where x² = y² and 3xy = 1, so x and y have the same sign"
DESKTOP = {"width": 1440, "height": 900}
TABLET = {"width": 820, "height": 1000}


def main(address: str) -> None:
    """Chief and candidate in two browsers: look, write to a group, and what is on the candidate's screen then."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        exam = _signed_in(browser, address, "candidate")
        _begin(exam)
        monitor = _signed_in(browser, address, "chief")
        test = monitor.locator("[data-bar-test]").filter(has_text=TEST).first.get_attribute("data-bar-test")
        listed = f"{address}/monitor?test={test}&"
        _take_monitor(monitor, listed + ROOM)
        _take_tablet(browser, monitor, listed + ROOM)
        monitor.goto(listed + GROUP_IN_ROOM)
        monitor.locator(".message-button [data-compose-all]").click()
        dialog = monitor.locator("dialog#compose")
        dialog.get_by_label("Subject").fill(SUBJECT)
        dialog.get_by_label("Message", exact=True).fill(BODY)
        monitor.screenshot(path=HERE / "compose.png")
        dialog.get_by_role("button", name="Send to").click()
        expect(monitor.locator("[data-quiet-bar]")).to_contain_text("Sent to")
        expect(exam.locator("[data-notice]").filter(has_text=SUBJECT).first).to_be_visible()
        exam.screenshot(path=HERE / "exam.png")
        monitor.goto(f"{address}/monitor/plan?test={test}&{ROOM}")
        monitor.locator(".plan-scroll").first.wait_for()
        monitor.screenshot(path=HERE / "plan.png")
        browser.close()


def _take_monitor(monitor: Page, address: str) -> None:
    monitor.goto(address)
    for box in monitor.get_by_role("checkbox", name="Select ").all()[1:3]:
        box.check()
    monitor.screenshot(path=HERE / "monitor.png")
    monitor.locator("[data-clear-selection]").click()


def _take_tablet(browser: Browser, signed_in: Page, address: str) -> None:
    """The same person's tablet; drawn larger, so that its picture is as wide as the others."""
    state = signed_in.context.storage_state()
    tablet = browser.new_page(viewport=TABLET, device_scale_factor=1.5, has_touch=True, storage_state=state)
    tablet.goto(address)
    tablet.locator("tr[data-candidacy]").first.wait_for()
    tablet.screenshot(path=HERE / "tablet.png")
    tablet.close()


def _signed_in(browser: Browser, address: str, username: str) -> Page:
    page = browser.new_page(viewport=DESKTOP)
    page.goto(address + "/login")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def _begin(exam: Page) -> None:
    """The candidate starts, or goes on, and writes."""
    exam.get_by_role("button", name="Start the test").or_(exam.get_by_role("link", name="Continue")).first.click()
    expect(exam.locator("[data-notices-state]")).to_have_attribute("data-state", "live")
    exam.get_by_role("textbox").first.fill(ANSWER)
    expect(exam.locator("[data-save-state]").first).to_contain_text("Saved")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000")
