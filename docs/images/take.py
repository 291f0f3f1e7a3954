"""Take the README's screenshots from a running sample hall that has lived for a few minutes:

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
GROUP_IN_ROOM = "/monitor?room=Sal+A115&group=Group+07"
SUBJECT = "Question 2: a misprint"
BODY = "In question 2 read cos(t²), not sin(t²). Question 1 stays as it is."
ANSWER = "The gradient is (3x² − 3y², −6xy + 2). It vanishes where x² = y² and 3xy = 1, so x and y have the same sign"


def main(address: str) -> None:
    """Chief and candidate in two browsers: compose for the 77, send, and what is on the candidate's screen then."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        exam = _signed_in(browser, address, "candidate")
        _begin(exam)
        monitor = _signed_in(browser, address, "chief")
        monitor.goto(address + GROUP_IN_ROOM)
        for box in monitor.get_by_role("checkbox", name="Select ").all()[1:4]:
            box.check()
        monitor.screenshot(path=HERE / "monitor.png")
        monitor.get_by_role("button", name="Clear", exact=True).click()
        monitor.locator(".message-button [data-compose-all]").click()
        dialog = monitor.locator("dialog#compose")
        dialog.get_by_label("Subject").fill(SUBJECT)
        dialog.get_by_label("Message", exact=True).fill(BODY)
        monitor.screenshot(path=HERE / "compose.png")
        dialog.get_by_role("button", name="Send to").click()
        expect(monitor.locator("[data-quiet-bar]")).to_contain_text("Sent to")
        expect(exam.locator("[data-notice]").filter(has_text=SUBJECT).first).to_be_visible()
        exam.screenshot(path=HERE / "exam.png")
        browser.close()


def _signed_in(browser: Browser, address: str, username: str) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 880})
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
