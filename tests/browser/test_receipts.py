"""R16 with receipts on: what was really on a screen counts; who has not seen it is on a list to walk by."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import Clean
from tests.browser.house import Desks, House, notice, opened_house
from tests.browser.test_printing import has_no_controls, on_paper
from tests.browser.test_small_screens import fits, in_reach
from tests.browser.test_time import no_streams_for
from tests.databases import NewDatabase
from tests.open_connections import connections_outlive_tests
from tests.server import Person
from tests.until import until
from webapp.models import Delivery, User

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

IN_BACK = """
let state = sessionStorage.getItem("front") ? "visible" : "hidden";
Object.defineProperty(document, "visibilityState", { get: () => state });
window.comeToFront = () => {
  state = "visible";
  sessionStorage.setItem("front", "1");
  document.dispatchEvent(new Event("visibilitychange"));
};
"""


@pytest.fixture(scope="module")
def shared_receipts_house(
    database_kind: str, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """A server of this file's tests, with receipts and a quick clock; each makes people and an exam in it."""
    database = new_database(database_kind, tmp_path_factory.mktemp("receipts"))
    with (
        opened_house(database, {"EXAMHALL_RECEIPTS": "1"}, clock_factor=4) as house,
        connections_outlive_tests(house.engine),
    ):
        yield house


@pytest.fixture
def receipts_house(shared_receipts_house: House) -> Iterator[House]:
    """That server."""
    yield shared_receipts_house
    shared_receipts_house.session.rollback()


def sent(sender: Person, subject: str, **fields: str) -> int:
    """Send to everybody; gives the number."""
    return int(sender.send(subject, scope="filtered", **fields).headers["Location"].rpartition("/")[2])


def has_seen(house: House, user: User, number: int) -> bool:
    return house.fresh().get_one(Delivery, (user.id, number)).shown_at is not None


def is_seen(house: House, user: User, number: int) -> None:
    until(lambda: has_seen(house, user, number))


def exam_page(desks: Desks, house: House, user: User, path: str, *, init: str = "", **options: object) -> Page:
    desk = desks.desk(house, **options)
    desk.quicken(4)
    if init:
        desk.context.add_init_script(init)
    return desk.sign_in_unseen(user, path)


def test_what_was_on_a_screen_counts(receipts_house: House, desks: Desks) -> None:
    """By stream and by polling, in front and not in the background, its text and not its subject; live for staff."""
    house = receipts_house
    exam = house.exam()
    ada, bob, cy, eve, _ = (house.candidate(exam, name) for name in ("Ada", "Bob", "Cy", "Eve", "Dee"))
    ines = house.invigilator(exam)
    sender, path = house.over_http(ines), f"/tests/{exam.id}"
    in_front = exam_page(desks, house, ada, path)
    expect(in_front.get_by_text("Senders can see whether a message has been on your screen.")).to_be_visible()
    in_back = exam_page(desks, house, cy, path, init=IN_BACK)
    polling = desks.desk(house)
    polling.quicken(4)
    no_streams_for(polling)
    other = polling.sign_in_unseen(bob, path)
    low = exam_page(desks, house, eve, path, viewport={"width": 900, "height": 420})
    first = sent(sender, "First")
    staff = desks.desk(house)
    staff.quicken(4)
    told = staff.sign_in_unseen(ines, f"/messages/{first}")
    for page in (in_front, in_back, other, low):
        expect(notice(page, "First")).to_have_count(1)
    is_seen(house, ada, first)
    is_seen(house, bob, first)
    expect(told.get_by_role("heading", name="Seen by 2 of 5")).to_be_visible()
    expect(told.locator("[data-unseen]")).to_have_count(3)
    assert not has_seen(house, cy, first)
    assert not has_seen(house, eve, first)
    in_back.evaluate("comeToFront()")
    low.locator("[data-notice-unfold]").click()
    is_seen(house, cy, first)
    is_seen(house, eve, first)
    expect(told.get_by_role("heading", name="Seen by 4 of 5")).to_be_visible()
    # who closes it at once has read it
    second = sent(sender, "Second")
    notice(in_front, "Second").get_by_role("button", name="Got it").click()
    is_seen(house, ada, second)


@pytest.mark.nightly
def test_of_two_that_wait_the_newest_is_in_sight_until_the_other_is_asked_for(
    receipts_house: House, desks: Desks
) -> None:
    house = receipts_house
    exam = house.exam()
    dee, ines = house.candidate(exam, "Dee"), house.invigilator(exam)
    sender = house.over_http(ines)
    first, second = sent(sender, "First"), sent(sender, "Second")
    last = exam_page(desks, house, dee, f"/tests/{exam.id}")
    is_seen(house, dee, second)
    assert not has_seen(house, dee, first)
    last.get_by_role("button", name="1 more message").click()
    is_seen(house, dee, first)
    notice(last, "Second").get_by_role("button", name="Got it").click()
    told = desks.desk(house).sign_in_unseen(ines, f"/messages/{second}")
    expect(told.get_by_role("heading", name="Seen by 1 of 1")).to_be_visible()
    expect(told.locator("#receipts")).to_have_attribute("data-closed", "1")


@pytest.mark.nightly
def test_messages_beside_the_text_count_when_they_are_in_sight(receipts_house: House, desks: Desks) -> None:
    """Their list refreshes itself in all tabs; what is below its edge has not been seen."""
    house = receipts_house
    exam = house.exam()
    ada, ines = house.candidate(exam, "Ada"), house.invigilator(exam)
    sender = house.over_http(ines)
    numbers = [sent(sender, f"Message {number}", body="A line.\n" * 6) for number in range(1, 13)]
    page = exam_page(desks, house, ada, f"/tests/{exam.id}")
    is_seen(house, ada, numbers[-1])
    page.locator("[aria-controls=messages-panel]").click()
    is_seen(house, ada, numbers[-2])
    assert not has_seen(house, ada, numbers[0])
    page.locator(f'[data-message="{numbers[0]}"]').scroll_into_view_if_needed()
    is_seen(house, ada, numbers[0])


def test_the_walk_list(receipts_house: House, desks: Desks, clean: Clean) -> None:
    """Its ticks stay on the device, its paper has boxes and no controls; for fingers, keyboards and every width."""
    house = receipts_house
    exam = house.exam()
    for place, name in enumerate(("Ada", "Bob", "Wolfeschlegelsteinhausenbergerdorff" * 3), 1):
        house.candidate(exam, name, room="Sal A115" if place < 3 else "Attic", seat=f"{place}A", building="North")
    ines = house.invigilator(exam)
    number = sent(house.over_http(ines), "Please stay seated")
    page = desks.desk(house).sign_in_unseen(ines, f"/messages/{number}")
    clean(page, "receipts of a message", "#receipts")
    page.get_by_role("link", name="Walk list").click()
    expect(page.get_by_role("checkbox")).to_have_count(3)
    for width in (390, 820, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        fits(page, f"{width} px")
        in_reach(page.get_by_role("checkbox").nth(1), f"{width} px")
    clean(page, "walk list")
    page.get_by_role("checkbox", name="Bob").focus()
    page.keyboard.press("Space")
    page.reload()
    expect(page.get_by_role("checkbox", name="Bob")).to_be_checked()
    expect(page.get_by_role("checkbox", name="Ada")).not_to_be_checked()
    with on_paper(page):
        has_no_controls(page)
        boxes = page.locator(".walk-box")
        expect(boxes.first).to_be_visible()
        ticks = boxes.locator(".icon").evaluate_all("all => all.map(one => getComputedStyle(one).visibility)")
        assert sorted(ticks) == ["hidden", "hidden", "visible"]
    page.get_by_role("link", name="Back").click()
    expect(page).to_have_url(f"{house.url}/messages/{number}")
