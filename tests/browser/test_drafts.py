"""R23: a draft belongs to its audience and its person. It comes back for them alone, and to others it is offered."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.house import Desk, Desks, House
from tests.browser.monitor_page import (
    compose_for_all,
    compose_for_one,
    compose_for_selected,
    press_send,
    tick,
    was_sent,
    write,
)
from tests.browser.test_shared_computer import sign_out, stored
from tests.server import PASSWORD
from webapp.models import Test, User

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

PRIVATE = "Your doctor has called"


@pytest.fixture
def exam(house: House) -> Test:
    """Ada and Bob in one room, Cy in another."""
    exam = house.exam()
    for name, room in (("Ada", "Aula"), ("Bob", "Aula"), ("Cy", "Annex")):
        house.candidate(exam, name, room=room, number=f"{name}1")
    return exam


@pytest.fixture
def desk(house: House, desks: Desks) -> Desk:
    """A browser."""
    return desks.desk(house)


@pytest.fixture
def ines(house: House, exam: Test) -> User:
    """An invigilator."""
    return house.invigilator(exam)


@pytest.fixture
def page(desk: Desk, ines: User) -> Page:
    """The monitor, after a text for Ada was begun and the dialog closed."""
    page = desk.sign_in_unseen(ines, "/monitor")
    write(compose_for_one(page, "Ada"), PRIVATE, "Call home.")
    page.keyboard.press("Escape")
    return page


def is_empty(form: Locator) -> None:
    """Nothing is filled in."""
    expect(form.get_by_label("Subject")).to_have_value("")
    expect(form.get_by_label("Message", exact=True)).to_have_value("")


def has(form: Locator, subject: str, body: str = "Call home.") -> None:
    """This is filled in."""
    expect(form.get_by_label("Subject")).to_have_value(subject)
    expect(form.get_by_label("Message", exact=True)).to_have_value(body)


def offers(form: Locator) -> Locator:
    """The unsent texts for others."""
    return form.get_by_role("list", name="Unsent drafts").get_by_role("listitem")


def offers_hers(form: Locator) -> None:
    """Ada's text is offered and not filled in."""
    is_empty(form)
    expect(offers(form)).to_have_count(1)
    expect(offers(form)).to_contain_text(re.compile(f"Unsent draft for Ada.*{PRIVATE}"))


@pytest.mark.nightly
def test_what_was_typed_for_one_is_filled_in_for_nobody_else(page: Page) -> None:
    """By menu, by bar, by filter; however the dialog was left."""
    offers_hers(compose_for_all(page))
    page.get_by_role("button", name="Cancel").click()
    offers_hers(compose_for_one(page, "Bob"))
    page.get_by_role("button", name="Close without sending").click()
    for name in ("Ada", "Bob"):
        tick(page, name).check()
    offers_hers(compose_for_selected(page))
    page.keyboard.press("Escape")
    tick(page, "Bob").uncheck()
    form = compose_for_selected(page)  # Ada alone again
    has(form, PRIVATE)
    expect(offers(form)).to_have_count(0)
    page.keyboard.press("Escape")
    page.goto(page.url + "?q=ada")
    form = compose_for_all(page)  # the same person, but it is a filter by now, which others may join
    offers_hers(form)
    page.go_back()
    an_offer_is_used_here_or_dropped(page)


def an_offer_is_used_here_or_dropped(page: Page) -> None:
    """Hers is the only draft."""
    form = compose_for_all(page)
    write(form, "For all", "Ten minutes more.")
    offers(form).get_by_role("button", name="Use here").click()
    has(form, PRIVATE)
    expect(form.get_by_label("Subject")).to_be_focused()
    expect(offers(form)).to_have_count(1)  # what it took the place of is not lost
    offers(form).get_by_role("button", name="Use here").click()
    has(form, "For all", "Ten minutes more.")
    page.keyboard.press("Escape")
    form = compose_for_one(page, "Ada")
    is_empty(form)  # it went to the other audience
    expect(offers(form)).to_have_count(2)
    offers(form).filter(has_text=PRIVATE).get_by_role("button", name="Discard").press("Enter")
    expect(offers(form)).to_have_count(1)
    expect(offers(form).get_by_role("button", name="Discard")).to_be_focused()
    page.keyboard.press("Enter")
    expect(offers(form)).to_have_count(0)
    expect(form.get_by_label("Subject")).to_be_focused()
    page.reload()
    is_empty(compose_for_all(page))


def test_another_tab_reload_log_back_and_a_lost_session_keep_it(
    house: House, desk: Desk, page: Page, ines: User
) -> None:
    """It waits in its tab while another one sends."""
    other = desk.tab("/monitor")
    form = compose_for_one(other, "Ada")
    is_empty(form)
    write(form, "From the other tab")
    press_send(form)
    was_sent(form, 1)
    other.close()
    has(compose_for_one(page, "Ada"), PRIVATE)
    page.reload()
    offers_hers(compose_for_all(page))
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Log", exact=True).click()
    expect(page.get_by_role("heading", name="Log", exact=True)).to_be_visible()
    page.go_back()
    has(compose_for_one(page, "Ada"), PRIVATE)
    desk.context.clear_cookies()
    page.goto(house.url + "/monitor")
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label("Username").fill(ines.username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/monitor"))
    has(compose_for_one(page, "Ada"), PRIVATE)
    candidacy = page.locator("tr[data-candidacy]").filter(has_text="Ada").get_attribute("data-candidacy")
    page.goto(f"{house.url}/messages/new?candidate={candidacy}")
    has(page.locator("main"), PRIVATE)


@pytest.mark.nightly
def test_what_was_emptied_or_sent_does_not_come_back(house: House, desk: Desk, page: Page, exam: Test) -> None:
    """What is typed while the form is on its way stays."""
    write(compose_for_one(page, "Ada"), "", "")
    page.keyboard.press("Escape")
    is_empty(compose_for_one(page, "Ada"))
    page.keyboard.press("Escape")
    form = compose_for_all(page)
    expect(offers(form)).to_have_count(0)
    write(form, "To all", "Sent.")
    press_send(form)
    was_sent(form, 3)
    page.reload()
    is_empty(compose_for_all(page))
    page.keyboard.press("Escape")
    what_is_typed_while_the_form_is_on_its_way_stays(house, desk, page, exam)


def test_trap_11_it_goes_with_its_person(house: House, desk: Desk, page: Page, exam: Test) -> None:
    """Signed out here or in another tab, or another person signed in over an ended session. So does a selection."""
    desk.expects("409 .*/ping")  # the page of the one before may beat once more when the next has signed in
    other = desk.tab("/monitor")
    write(compose_for_one(other, "Bob"), "Half a text")
    expect(other.locator("dialog#compose")).to_be_visible()
    assert PRIVATE in " ".join(stored(page))
    tick(page, "Ada").check()
    selected = page.get_by_role("region", name="For the selected candidates")
    expect(selected).to_be_visible()
    sign_out(page)
    assert stored(page) == []
    page.go_back()
    expect(page).to_have_url(re.compile("/login"))
    expect(page.locator("body")).not_to_contain_text("Ada")
    other.get_by_label("Subject").press_sequentially("more")
    assert stored(other) == []
    other.close()
    page = desk.sign_in_unseen(house.invigilator(exam, name="Ilse"), "/monitor")
    expect(selected).to_be_hidden()
    write(compose_for_one(page, "Ada"), "Of Ilse")
    desk.context.clear_cookies()
    for who in (house.candidate(exam, "Dan"), house.invigilator(exam, name="Ivo")):
        page = desk.sign_in_unseen(who, "/")
        assert "Ilse" not in " ".join(stored(page))
    form = compose_for_one(page, "Ada")
    is_empty(form)
    expect(offers(form)).to_have_count(0)


def what_is_typed_while_the_form_is_on_its_way_stays(house: House, desk: Desk, page: Page, exam: Test) -> None:
    """The sending is refused, since somebody joined meanwhile."""
    desk.expects("409")
    form = compose_for_all(page)
    write(form, "To all", "Ten minutes")
    house.candidate(exam, "Dan")
    waiting: list[Route] = []
    page.route("**/messages", lambda route: waiting.append(route))  # noqa: PLW0108 Playwright marks what it is given
    press_send(form)
    expect(form.get_by_text("Sending…")).to_be_visible()
    form.get_by_label("Message", exact=True).press_sequentially(" more.")
    waiting[0].continue_()
    expect(form.get_by_role("alert")).to_contain_text("1 person joined")
    has(form, "To all", "Ten minutes more.")
    page.reload()
    has(compose_for_all(page), "To all", "Ten minutes more.")


@pytest.mark.nightly
def test_a_late_answer_does_not_take_the_place_of_the_next_form(page: Page) -> None:
    waiting: list[Route] = []
    page.route("**/messages", lambda route: waiting.append(route))  # noqa: PLW0108 Playwright marks what it is given
    form = compose_for_one(page, "Ada")
    press_send(form)
    expect(form.get_by_text("Sending…")).to_be_visible()
    page.keyboard.press("Escape")
    form = compose_for_all(page)
    form.get_by_label("Subject").fill("To all")
    waiting[0].continue_()
    expect(form.get_by_role("status").filter(has_text="Sent to")).to_contain_text("Sent to 1 person")
    expect(form.get_by_role("button", name="Send to 3 people")).to_be_visible()
    expect(form.get_by_label("Subject")).to_have_value("To all")
    expect(offers(form)).to_have_count(0)


@pytest.mark.nightly
@pytest.mark.parametrize("lack", ["throw new DOMException('no', 'SecurityError')", "return null"])
def test_it_is_kept_within_the_page_where_the_browser_stores_nothing(desk: Desk, ines: User, lack: str) -> None:
    script = "Object.defineProperty(window, 'sessionStorage', { get() { %s } });"
    desk.page.add_init_script(script % lack)
    page = desk.sign_in_unseen(ines, "/monitor")
    write(compose_for_one(page, "Ada"), PRIVATE, "Call home.")
    page.keyboard.press("Escape")
    offers_hers(compose_for_all(page))
    page.keyboard.press("Escape")
    has(compose_for_one(page, "Ada"), PRIVATE)
