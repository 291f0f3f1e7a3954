"""docs/first-hour.md, step by step in a browser: with the words that stand there, none left out on either side."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.house import Desks, House, notice
from tests.browser.monitor_page import dialog, quiet_bar, row, rows, shows
from tests.server import PASSWORD
from webapp.clock import utcnow
from webapp.config import ROOT
from webapp.models import User

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]
TEXT = (ROOT / "docs" / "first-hour.md").read_text()
STEPS_THERE = dict(re.findall(r"<!-- step: ([a-z-]+) -->\n(.*?)(?=<!-- step|\Z)", TEXT, re.DOTALL))


@dataclass
class Walk:
    """An invigilator who goes through the document; `words` are those of the step that have not been met yet."""

    house: House
    page: Page
    invigilator: User
    candidates: dict[str, User]
    writing: Page
    words: set[str] = field(default_factory=set)

    def says(self, words: str) -> str:
        """Words of the page that the document has too."""
        assert words in self.words, f"{words!r} is not in the document, or was met before"
        self.words.discard(words)
        return words

    def tile(self, words: str) -> Locator:
        return self.page.locator("#tiles a").filter(has_text=self.says(words))

    def menu_of(self, name: str) -> Locator:
        row(self.page, name).get_by_role("button", name=re.compile("^More for")).click()
        opened = self.page.locator(".menu:popover-open")
        expect(opened.get_by_role("group", name="Flag")).to_be_visible()
        return opened


def sign_in(walk: Walk) -> None:
    page = walk.page
    page.goto(walk.house.url)
    page.get_by_label(walk.says("Username")).fill(walk.invigilator.username)
    page.get_by_label(walk.says("Password"), exact=True).fill(PASSWORD)
    page.get_by_role("button", name=walk.says("Sign in")).click()
    shows(page, 3)


def look(walk: Walk) -> None:
    page = walk.page
    for words, count in (("Not arrived", 1), ("Writing", 1), ("Submitted", 0), ("All", 3)):
        walk.tile(words).click()
        expect(page.locator("#tiles a[aria-current]")).to_contain_text(
            words
        )  # the list is this tile's, not the last one's
        shows(page, count)
    page.get_by_role("link", name=walk.says("Plan"), exact=True).click()
    expect(page.locator(".seat[data-candidacy]")).to_have_count(3)
    page.get_by_role("link", name=walk.says("List"), exact=True).click()
    expect(rows(page)).to_have_count(3)


def find(walk: Walk) -> None:
    page = walk.page
    page.get_by_role("searchbox").fill("A115 24F")
    shows(page, 1)
    row(page, "Ada Lind").locator("[data-open]").click()
    expect(page.get_by_role("heading", name=walk.says("What has happened"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    page.get_by_role("searchbox").fill("")
    shows(page, 3)


def message(walk: Walk) -> None:
    page = walk.page
    page.get_by_role("link", name=walk.says("Message 3…")).first.click()
    form = dialog(page)
    texts = form.get_by_role("group", name=walk.says("Quick texts"))
    expect(texts.get_by_role("link", name=walk.says("Add"))).to_have_attribute("href", "/quick-texts")
    form.get_by_label(walk.says("Subject")).fill("Water")
    form.get_by_label(walk.says("Message"), exact=True).fill("There is water at the back.")
    form.get_by_role("button", name=walk.says("Send to 3 people")).click()
    expect(quiet_bar(page)).to_contain_text(walk.says("Sent to 3 people"))
    expect(notice(walk.writing, "Water").first).to_be_visible()
    expect(quiet_bar(page).get_by_role("button", name=walk.says("Withdraw"))).to_be_visible()
    quiet_bar(page).get_by_role("link", name=walk.says("Correct")).click()
    form.get_by_label("Subject").fill("Water and juice")
    form.get_by_role("checkbox", name=walk.says("Important")).check()
    form.get_by_role("button", name="Send to 3 people").click()
    expect(notice(walk.writing, "Water and juice").locator("s").first).to_have_text("Water")
    notice(walk.writing, "Water and juice").get_by_role("button", name=walk.says("I have read this")).click()
    expect(quiet_bar(page)).to_contain_text("Water and juice")
    page.get_by_role("link", name="Message 3…").first.click()
    expect(form.get_by_role("group", name=walk.says("When")).get_by_role("radio")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name=walk.says("Messages"), exact=True)).to_have_attribute("href", "/messages")


def flag(walk: Walk) -> None:
    walk.menu_of("Bo Ek").get_by_role("group", name=walk.says("Flag")).get_by_role(
        "button", name=walk.says("Set")
    ).click()
    expect(rows(walk.page).get_by_text("Flagged")).to_have_count(1)
    quiet_bar(walk.page).get_by_role("button", name=walk.says("Undo")).click()
    expect(rows(walk.page).get_by_text("Flagged")).to_have_count(0)


def note(walk: Walk) -> None:
    walk.menu_of("Bo Ek").get_by_role("link", name=walk.says("Note…")).click()
    form = dialog(walk.page)
    form.get_by_label(walk.says("Note")).fill("Left for five minutes")
    form.get_by_role("button", name="Note").click()
    expect(form).to_be_hidden()


def attendance(walk: Walk) -> None:
    for name, word in (("Ada Lind", "Present"), ("Cleo Dahl", "Absent")):
        group = walk.menu_of(name).get_by_role("group", name="Attendance")
        group.get_by_role("button", name=walk.says(word)).click()
        expect(quiet_bar(walk.page)).to_contain_text(f"{name}: {word.lower()}")
    walk.says("Attendance")


def go_and_help(walk: Walk) -> None:
    page = walk.page
    walk.house.over_http(walk.candidates["Ada Lind"]).post(f"{walk.writing.url}/help", kind="question")
    expect(page.locator("[data-help-count]").first).to_have_text("1", timeout=15_000)
    page.locator(".site-nav").get_by_role("link", name=walk.says("Help")).click()
    asked = page.get_by_role("listitem", name="Ada Lind")
    expect(asked).to_contain_text("24F")
    expect(asked.get_by_role("link", name=walk.says("Answer…"))).to_be_visible()
    asked.get_by_role("button", name=walk.says("I am going")).click()
    expect(walk.writing.locator("[data-help-word]")).to_have_text("An invigilator is coming.")
    asked.get_by_role("button", name=walk.says("Done")).click()
    page.get_by_role("link", name="Monitor", exact=True).click()


def offline(walk: Walk) -> None:
    walk.house.hall.seen(walk.candidates["Bo Ek"].id, timedelta(minutes=12))
    walk.page.reload()
    walk.tile("Offline").click()
    shows(walk.page, 1)
    expect(row(walk.page, "Bo Ek")).to_contain_text("Offline 12 min")


def end(walk: Walk) -> None:
    page = walk.page
    page.locator("#tiles a").filter(has_text="All").click()
    walk.says("Time is up")
    page.get_by_role("link", name=walk.says("Log"), exact=True).click()
    expect(page.locator("main")).to_contain_text("Water")
    page.locator("details.account > summary").click()
    page.get_by_role("button", name=walk.says("Sign out")).click()
    expect(page.get_by_label("Username")).to_be_visible()


STEPS: dict[str, Callable[[Walk], None]] = {
    "sign-in": sign_in, "look": look, "find": find, "message": message, "flag": flag, "note": note,
    "attendance": attendance, "help": go_and_help, "offline": offline, "end": end,
}  # fmt: skip


def test_the_first_hour(house: House, desks: Desks) -> None:
    assert list(STEPS) == list(STEPS_THERE)
    exam = house.exam("Mathematical Analysis")
    places: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("Ada Lind", "24F", {"saved_at": utcnow()}),
        ("Bo Ek", "24G", {}),
        ("Cleo Dahl", "25A", {"started_at": None, "entered_at": None}),
    )
    people = {name: house.candidate(exam, name, room="Sal A115", seat=seat, **more) for name, seat, more in places}
    house.candidate(exam, "In another room", room="Sal A116")
    writing = desks.desk(house).sign_in_unseen(people["Ada Lind"], f"/tests/{exam.id}")
    house.hall.seen(people["Ada Lind"].id, timedelta())
    house.hall.seen(people["Bo Ek"].id, timedelta(minutes=3))
    invigilator = house.hall.contributor(exam, room="Sal A115", user=house.person("Ines"))
    walk = Walk(house, desks.desk(house, viewport={"width": 1440, "height": 900}).page, invigilator, people, writing)
    for name, step in STEPS.items():
        walk.words = set(re.findall(r"\*([^*\n]+)\*", STEPS_THERE[name]))
        step(walk)
        assert walk.words == set(), f"{name}: the document says more than the page"
