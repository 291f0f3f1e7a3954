"""R18, R23: after every answer controls, list, address and audience agree again, and words say so until they do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.house import CUT, Desk, Desks, House
from tests.browser.monitor_page import compose_for_all, message_all, open_filter, shows
from tests.nightly import at_night
from webapp.db.transactions import writing
from webapp.models import Candidacy, Test

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

OURS = {"X-Examhall": "1"}
FILTERED = re.compile(r"/monitor\?.*room=Room")


@pytest.fixture
def exam(house: House) -> Test:
    exam = house.exam()
    house.hall.candidacies(exam, 4, room="Room 1")
    house.hall.candidacies(exam, 2, room="Room 2")
    return exam


@pytest.fixture
def desk(house: House, desks: Desks, exam: Test) -> Desk:
    """Somebody who has the list before them."""
    desk = desks.desk(house)
    desk.expects(*CUT, r"\b(40[0134]|41[34]|431|500)\b")
    offer_rooms(desk.sign_in_unseen(house.invigilator(exam), "/monitor"))
    return desk


def refused(page: Page) -> Locator:
    return page.locator("[data-refused]")


def offer_rooms(page: Page) -> None:
    """Have the boxes of the rooms on the page; they stay there when the menu is closed."""
    open_filter(page, "room")
    page.keyboard.press("Escape")


def box(page: Page, room: str) -> Locator:
    return page.locator(f'[data-filter-values] input[name="room"][value="{room}"]')


def tick(page: Page, room: str) -> None:
    box(page, room).evaluate("box => box.click()")


def agrees(page: Page, persons: int, rooms: list[str]) -> None:
    """Controls, badge, list, address; and the dialog of all."""
    expect(page.locator("#monitor-busy")).not_to_have_class(re.compile("htmx-request"))
    shows(page, persons)
    ticked = page.locator('[data-filter-values] input[name="room"]:checked')
    expect(ticked).to_have_count(len(rooms))
    assert ticked.evaluate_all("boxes => boxes.map(box => box.value)") == rooms
    badge = page.locator('[data-field="room"] [data-active-count]')
    assert badge.evaluate("badge => badge.textContent") == str(len(rooms))
    page.wait_for_url(lambda url: sorted(parse_qs(urlsplit(url).query).get("room", [])) == sorted(rooms))
    form = compose_for_all(page)
    expect(form).to_contain_text(re.compile(rf"To {persons:,} (person|people)\b"))
    page.keyboard.press("Escape")
    expect(form).to_be_hidden()


@contextmanager
def answers(
    page: Page, status: int, *, headers: dict[str, str] | None = None, times: int | None = None
) -> Iterator[None]:
    """What is filtered by a room is answered like this, always or so many times."""

    def answer(route: Route) -> None:
        body = '<div class="problem" role="alert"><p>No.</p></div>'
        route.fulfill(status=status, content_type="text/html", headers=headers or {}, body=body)

    page.route(FILTERED, answer, times=times)
    yield
    page.unroute(FILTERED, answer)


@pytest.mark.nightly
def test_a_room_that_nobody_has_any_more(house: House, desk: Desk, exam: Test) -> None:
    """400: the tick is taken back, the word says what was refused, and a refresh does not take it away."""
    candidacies = [candidacy.id for candidacy in house.candidacies_of(exam)]
    with writing(house.session):
        for candidacy_id in candidacies:
            house.session.get_one(Candidacy, candidacy_id).room = "Room 1"
    page = desk.page
    tick(page, "Room 2")
    expect(refused(page)).to_contain_text("The list cannot be filtered like this")
    expect(refused(page)).to_contain_text("“Room 2” is not a possible value")
    with page.expect_response("**/monitor*"):  # the next refresh
        pass
    expect(refused(page)).to_be_visible()
    agrees(page, 6, [])
    tick(page, "Room 1")
    expect(refused(page)).to_be_hidden()
    agrees(page, 6, ["Room 1"])


@pytest.mark.parametrize("status", [400, *at_night(403, 404, 413, 414)])
def test_a_filter_that_is_refused_is_taken_back(desk: Desk, status: int) -> None:
    page = desk.page
    with answers(page, status, headers=OURS):
        tick(page, "Room 2")
        expect(refused(page)).to_be_visible()
        agrees(page, 6, [])
    expect(refused(page)).to_be_visible()
    tick(page, "Room 2")
    agrees(page, 2, ["Room 2"])
    expect(refused(page)).to_be_hidden()


@pytest.mark.parametrize("status", [414, *at_night(431)])
def test_a_server_or_proxy_that_takes_less(desk: Desk, status: int) -> None:
    page = desk.page
    with answers(page, status):
        tick(page, "Room 2")
        expect(refused(page)).to_contain_text("too many filters at once")
        agrees(page, 6, [])


@pytest.mark.nightly
def test_an_error_of_the_server_once_is_asked_again(desk: Desk) -> None:
    page = desk.page
    with answers(page, 500, headers=OURS, times=1):
        tick(page, "Room 2")
        agrees(page, 2, ["Room 2"])
    expect(page.locator("[data-connection-box]")).to_be_hidden()


@pytest.mark.nightly
def test_an_error_of_the_server_that_stays_takes_the_filter_back(desk: Desk) -> None:
    page = desk.page
    with answers(page, 500, headers=OURS):
        tick(page, "Room 2")
        expect(page.locator("[data-connection-box]")).to_contain_text("The list cannot be refreshed")
        expect(refused(page)).to_contain_text("The server could not filter the list")
        agrees(page, 6, [])


def nobody(desk: Desk) -> Callable[[], None]:
    desk.context.set_offline(True)
    return lambda: desk.context.set_offline(False)


def foreign(desk: Desk) -> Callable[[], None]:
    desk.expects(r'Failed to load module script: .* MIME type of "text/html".*/monitor-sheet\.js\)$')  # of the dialog

    def answer(route: Route) -> None:
        route.fulfill(status=200, content_type="text/html", body="<h1>Guest network</h1>")

    desk.page.route("**/m*", answer)
    return lambda: desk.page.unroute("**/m*", answer)


def signed_out(desk: Desk) -> Callable[[], None]:
    cookies = desk.context.cookies()
    desk.context.clear_cookies()
    return lambda: desk.context.add_cookies(cookies)  # type: ignore[arg-type] # what it gave


@pytest.mark.parametrize("take_away", [nobody, *at_night(foreign, signed_out)])
def test_without_an_answer_the_filter_is_asked_again(
    desk: Desk, take_away: Callable[[Desk], Callable[[], None]]
) -> None:
    """Words say so as long as the list is not that of the controls, and sending is answered at its button."""
    page = desk.page
    give_back = take_away(desk)
    tick(page, "Room 2")
    expect(page.locator("[data-connection-box]")).to_be_visible()
    message_all(page).click()
    expect(page.get_by_text("This could not be opened")).to_be_visible()
    expect(page.locator("dialog#compose")).to_be_hidden()
    expect(box(page, "Room 2")).to_be_checked()
    shows(page, 6)
    give_back()
    expect(page.locator("[data-connection-box]")).to_be_hidden()
    expect(page.locator("dialog#compose")).to_be_hidden()  # nothing pressed before opens by itself
    page.keyboard.press("Escape")
    agrees(page, 2, ["Room 2"])


@pytest.mark.nightly
@pytest.mark.parametrize("value", ["12026-11-27T12:00", "275760-01-01T00:00", "3000-01-01T00:00"])
def test_a_year_of_too_many_digits(desk: Desk, value: str) -> None:
    page = desk.page
    field = open_filter(page, "times").locator('input[name="seen_after"]')
    field.fill(value)
    expect(refused(page)).to_contain_text("its year has too many digits")
    expect(field).to_have_value("")
    expect(page.locator("#filter-menu > summary [data-active-count]")).to_be_hidden()
    page.keyboard.press("Escape")
    offer_rooms(page)
    agrees(page, 6, [])


@pytest.mark.nightly
def test_no_word_moves_the_list(desk: Desk) -> None:
    """Neither the words of a refusal nor those of a lost connection."""
    page = desk.page
    place = page.locator("#rows").bounding_box()
    with answers(page, 400, headers=OURS):
        tick(page, "Room 2")
        expect(refused(page)).to_be_visible()
        assert page.locator("#rows").bounding_box() == place
    desk.context.set_offline(True)
    expect(page.locator("[data-connection-box]")).to_be_visible()
    assert page.locator("#rows").bounding_box() == place
    refused(page).get_by_role("button", name="Close").click()
    expect(refused(page)).to_be_hidden()


def tick_rooms(page: Page, count: int) -> None:
    """The first so many, at once."""
    page.evaluate(
        """count => [...document.querySelectorAll('[data-filter-values] input[name="room"]')].slice(0, count)
        .filter(box => !box.checked).forEach(box => box.click())""",
        count,
    )


def reaches(page: Page, persons: int) -> None:
    """The list shows them, and the dialog of all is for them."""
    shows(page, persons)
    form = compose_for_all(page)
    expect(form).to_contain_text(f"To {persons} people")
    page.keyboard.press("Escape")


@pytest.mark.nightly
def test_r18_hundreds_of_rooms_with_long_names(house: House, desks: Desks) -> None:
    """The address holds them all and can be loaded again, and a message reaches those people."""
    exam = house.exam()
    with house.hall.at_once():
        for number in range(501):
            room = f"A long name of a room in the building beside the river, {'x' * 40} {number:03}"
            house.hall.candidacies(exam, 1, room=room)
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor")
    offer_rooms(page)
    tick_rooms(page, 230)
    reaches(page, 230)
    expect(page.locator(".chips li.chip")).to_have_count(1)
    tick_rooms(page, 500)
    reaches(page, 500)
    assert len(page.url) > 50_000
    page.reload()
    shows(page, 500)
    offer_rooms(page)
    page.locator('thead th[data-column="name"] a').click()
    expect(page).to_have_url(re.compile("sort=name"))
    tick_rooms(page, 501)  # more values than a filter can have
    expect(refused(page)).to_contain_text("too many filters at once")
    reaches(page, 500)
    page.get_by_role("link", name=re.compile("Remove filter Room")).click()
    shows(page, 501)
    expect(page).to_have_url(re.compile(r"/monitor\?sort=name$"))


@pytest.mark.nightly
def test_r18_more_than_an_address_holds(house: House, desks: Desks) -> None:
    """What does not fit is refused before it is asked for; what fits is filtered."""
    exam = house.exam()
    with house.hall.at_once():
        for number in range(120):
            house.hall.candidacies(exam, 1, room=f"{'Ø' * 96} {number:03}")
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor")
    offer_rooms(page)
    tick_rooms(page, 120)
    expect(refused(page)).to_contain_text("too many filters at once")
    ticked = page.locator('[data-filter-values] input[name="room"]:checked').count()
    assert 100 < ticked < 120
    reaches(page, ticked)


def test_a_long_address_of_somebody_who_is_not_signed_in(house: House, desks: Desks) -> None:
    page = desks.desk(house).goto("/monitor?" + "&".join(f"room=Room+{number}" for number in range(500)))
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
