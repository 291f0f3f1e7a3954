"""Words of 200 letters break anywhere in the compose dialog: nothing is cut off or pushed out of sight."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.house import Desks, House
from tests.browser.monitor_page import compose_for_all, dialog, press_send, was_sent, write
from webapp.models import User

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

STICKING_OUT = """dialog => {
  const edge = dialog.getBoundingClientRect();
  return [...dialog.querySelectorAll('*')]
    .filter((part) => part.checkVisibility() && !part.matches('.visually-hidden'))
    .filter((part) => {
      const isCut = part.clientWidth > 0 && part.scrollWidth > part.clientWidth + 1;
      return isCut || part.getBoundingClientRect().right > edge.right;
    })
    .map((part) => `${part.tagName} ${part.className} ${part.textContent.slice(0, 30)}`);
}"""


def fits(form: Locator) -> None:
    """Nothing sticks out of the dialog, and it does not scroll sideways."""
    assert form.evaluate(STICKING_OUT) == []
    assert form.evaluate("dialog => dialog.scrollWidth - dialog.clientWidth") == 0


def crowd(house: House) -> User:
    """Two rooms of a test, with all names as long as they may be, and a message just sent; gives an invigilator."""
    exam = house.exam(title="W" * 190)
    for letter in "RS":
        one = house.person(letter * 180)
        house.hall.candidacy(exam, one, room=letter * 100, seat="9" * 30, number=letter * 50)
    house.over_http(house.invigilator(exam, name="C" * 150)).send("S" * 120, scope="filtered")
    return house.invigilator(exam)


@pytest.mark.nightly
@pytest.mark.parametrize("width", [390, 820])
def test_the_dialog_holds_its_long_words(house: House, desks: Desks, width: int) -> None:
    """Warning, names, chips, table, offers, buttons, and the word of success."""
    page = desks.desk(house, viewport={"width": width, "height": 900}).sign_in_unseen(crowd(house), "/monitor")
    write(compose_for_all(page), "D" * 120)
    page.keyboard.press("Escape")
    page.goto(f"{page.url}?room={'R' * 100}&room={'S' * 100}")
    form = compose_for_all(page)
    expect(form.get_by_role("list", name="Unsent drafts")).to_be_visible()
    drop = form.get_by_role("button", name="Discard")
    assert drop.evaluate("it => it.getBoundingClientRect().bottom <= it.closest('ul').getBoundingClientRect().bottom")
    form.get_by_text("By test and room").click()
    expect(form.get_by_role("cell", name="R" * 100)).to_be_visible()
    fits(form)
    form.get_by_role("button", name="W" * 190).click()
    write(form, "T" * 120)
    press_send(form)
    was_sent(form, 2)
    fits(form)


def test_the_parts_of_too_many_hold_theirs(house_with: Callable[..., House], desks: Desks) -> None:
    house = house_with(EXAMHALL_MAX_RECIPIENTS="1")
    ines = house.invigilator(exam := house.exam(title="W" * 190))
    for letter in "RS":
        house.candidate(exam, letter, room=letter * 100)
    desk = desks.desk(house, viewport={"width": 390, "height": 900})
    page = desk.sign_in_unseen(ines, "/monitor")
    compose_for_all(page)
    fits(dialog(page))
