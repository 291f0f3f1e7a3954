"""The hall display: read from the back, at every width, in both schemes; it stands still, and says when it cannot."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import Clean
from tests.browser.house import CUT, Desks, House
from tests.browser.test_small_screens import fits, in_reach
from tests.until import until
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, User

pytestmark = [pytest.mark.browser, pytest.mark.one_database]

SIZES = ((390, 844), (820, 1180), (1440, 900), (1920, 1080), (3840, 2160))
RATIOS = """() => {
const light = (text) => {
  const [red, green, blue] = text.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const ground = (box) => {
  const color = getComputedStyle(box).backgroundColor;
  return /, 0\\)$/.test(color) && box.parentElement ? ground(box.parentElement) : color;
};
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const box = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !box.checkVisibility()) continue;
  const [one, other] = [getComputedStyle(box).color, ground(box)].map(light).sort((a, b) => b - a);
  found.push([(one + 0.05) / (other + 0.05), walker.currentNode.data.trim()]);
}
return found;
}"""


def place_of(page: Page, selector: str) -> dict[str, float] | None:
    return page.locator(selector).bounding_box()  # type: ignore[return-value]


def shown_hall(house: House, **fields: object):  # type: ignore[no-untyped-def]
    """An exam with three own ends in one room, its chief, and a sender."""
    exam = house.exam("Introduction to mathematical analysis", ends_at=utcnow() + timedelta(minutes=72), **fields)
    house.hall.candidacies(exam, 5, room="Sal A115")
    for minutes in (15, 30):
        house.hall.candidacy(exam, extra_minutes=minutes, room="Sal A115")
    ines = house.invigilator(exam)
    return exam, ines, house.over_http(ines)


@pytest.mark.nightly
def test_it_is_read_from_the_back_and_stands_still(house: House, desks: Desks, clean: Clean) -> None:
    """Its type grows with the window, nothing is out of it, 7:1 in both schemes. What comes moves nothing."""
    exam, ines, sender = shown_hall(house)
    page = desks.desk(house, viewport={"width": 1440, "height": 900}).sign_in_unseen(ines, "/monitor")
    page.locator("details.account > summary").click()
    page.get_by_role("link", name="Hall display").click()
    expect(page.get_by_role("heading", name=re.compile(exam.title))).to_be_visible()
    page.get_by_role("link", name="Sal A115").click()
    expect(page.get_by_role("row", name=re.compile("1 h 1[12] min left 5 candidates"))).to_be_visible()
    before = {selector: place_of(page, selector) for selector in (".hall-clock", ".hall-ends", ".hall-foot")}
    sender.send("Please stay seated", scope="filtered", test=str(exam.id))
    expect(page.get_by_role("heading", name="Please stay seated")).to_be_visible()
    assert {selector: place_of(page, selector) for selector in before} == before
    assert page.evaluate("document.getAnimations().length") == 0
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        fits(page, f"{width} px")
        clock = place_of(page, "[data-hall-clock]")
        assert clock
        assert clock["width"] > 0.35 * width
        if width >= 1440:
            assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), width
            text = page.locator(".hall-ends").evaluate("box => parseFloat(getComputedStyle(box).fontSize)")
            assert text >= height / 22
        in_reach(page.get_by_role("link", name="Monitor"), f"{width} px")
    page.set_viewport_size({"width": 1440, "height": 900})
    clean(page, "the hall display")
    page.emulate_media(forced_colors="none")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        weak = [(ratio, text) for ratio, text in page.evaluate(RATIOS) if ratio < 7]
        assert not weak, scheme
    page.get_by_role("button", name="Full screen").click()
    expect(page.get_by_role("button", name="Leave full screen")).to_be_visible()


@pytest.mark.nightly
def test_it_says_when_it_is_not_live_and_comes_back(own_house: House, desks: Desks) -> None:
    """Over a restart of the server; a session that ends is told, with the way to sign in."""
    house = own_house
    exam, ines, sender = shown_hall(house)
    desk = desks.desk(house)
    desk.expects(*CUT, r"\b401\b")
    desk.quicken(4)
    page = desk.sign_in_unseen(ines, f"/display?test={exam.id}&room=Sal+A115")
    state = page.locator("[data-hall-state]")
    expect(state).to_have_text("Updates by itself", use_inner_text=True)
    house.server.kill()
    expect(state).to_contain_text(re.compile(r"Not live since \d\d:\d\d:\d\d\. Trying again"), use_inner_text=True)
    house.server.start()
    expect(state).to_have_text("Updates by itself", use_inner_text=True)
    with writing(house.fresh()):
        house.session.query(Candidacy).filter_by(test_id=exam.id, extra_minutes=30).update({"extra_minutes": 60})
    expect(page.get_by_role("row", name=re.compile("2 h 1[12] min left"))).to_be_visible()
    assert sender
    with writing(house.fresh()):
        house.session.get_one(User, ines.id).epoch += 1
    expect(state).to_contain_text("Signed out", use_inner_text=True)
    in_reach(page.get_by_role("link", name="Sign in"), "signed out")
    assert page.locator("[data-hall-clock]").inner_text()


def test_trap_24_the_clock_in_the_nights_of_a_change(house: House, desks: Desks) -> None:
    """It runs on between two answers: an hour that comes twice has its offset, whatever the zone's change is."""
    exam, ines, _ = shown_hall(house)
    page = desks.desk(house).sign_in_unseen(ines, f"/display?test={exam.id}")

    def said(zone: str, moment: str) -> list[str]:
        script = """async ([zone, moment]) => {
            const clock = (await import("/static/js/hall-times.js")).hallClock(zone);
            return [clock.time(Date.parse(moment)), clock.offset(Date.parse(moment))];
        }"""
        return page.evaluate(script, [zone, moment])  # type: ignore[no-any-return]

    assert said("Europe/Stockholm", "2026-10-24T23:59:59Z") == ["01:59", ""]
    assert said("Europe/Stockholm", "2026-10-25T00:30:00Z") == ["02:30", "UTC+2"]
    assert said("Europe/Stockholm", "2026-10-25T01:30:00Z") == ["02:30", "UTC+1"]
    assert said("Europe/Stockholm", "2026-10-25T02:00:00Z") == ["03:00", ""]
    assert said("Europe/Stockholm", "2027-03-28T00:59:59Z") == ["01:59", ""]
    assert said("Europe/Stockholm", "2027-03-28T01:00:00Z") == ["03:00", ""]
    assert said("Australia/Lord_Howe", "2027-04-03T14:45:00Z") == ["01:45", "UTC+11"]
    assert said("Australia/Lord_Howe", "2027-04-03T15:15:00Z") == ["01:45", "UTC+10:30"]
    until(lambda: page.locator("[data-hall-clock]").inner_text())


def test_r20_without_javascript(house: House, scriptless: Desks) -> None:
    """The page asks for itself again."""
    exam, ines, _ = shown_hall(house)
    page = scriptless.desk(house).sign_in_unseen(ines, f"/display?test={exam.id}")
    expect(page.locator(".hall-clock")).to_be_visible()
    assert page.locator('meta[http-equiv="refresh"]').get_attribute("content") == "15"
