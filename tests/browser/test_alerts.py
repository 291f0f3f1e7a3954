"""On request a device of staff makes a sound, vibrates, and keeps its screen on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.house import Desk, Desks, House
from tests.browser.monitor_page import quiet_bar, rows
from tests.until import until
from webapp.models import Test, User

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

FOUR_MINUTES = timedelta(minutes=4)
OBSERVED = """
window.tones = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) { tones.push(this.frequency.value); return start.call(this, at); };
window.buzzes = [];
navigator.vibrate = (pattern) => buzzes.push(pattern) > 0;
window.locks = [];
navigator.wakeLock.request = async (kind) => {
  const lock = Object.assign(new EventTarget(), { release: async () => lock.dispatchEvent(new Event("release")) });
  locks.push(kind);
  window.lock = lock;
  return lock;
};
"""
"""The browser's own sounds are made and counted; it has no motor and no screen."""


@pytest.fixture
def exam(house: House) -> Test:
    return house.exam()


@pytest.fixture
def desk(desks: Desks, house: House) -> Desk:
    desk = desks.desk(house)
    desk.page.add_init_script(OBSERVED)
    desk.page.clock.install()
    desk.expects("htmx:error: timeout")  # of the list, in the seconds that pass in a moment
    return desk


def away(house: House, exam: Test, name: str, ago: timedelta = FOUR_MINUTES) -> int:
    """A candidate who has not been heard of for so long."""
    user = house.candidate(exam, name)
    house.hall.seen(user.id, ago)
    return user.id


def opened_menu(page: Page) -> Page:
    """The person's menu, with its script."""
    page.locator("details.account > summary").click()
    page.evaluate("import('/static/js/monitor-alerts.js').then(() => null)")
    return page


def after_a_look(page: Page, tones: int, buzzes: int) -> None:
    """So many there are when the device has looked again."""
    with page.expect_response("**/monitor/alerts**"):
        page.clock.run_for(10_000)
    page.clock.run_for(100)
    until(lambda: page.evaluate("[tones.length, buzzes.length]") == [tones, buzzes])


def test_each_absence_is_told_once(house: House, desk: Desk, exam: Test) -> None:
    """Three tones, one buzz and a name; also after a reload, and again when the same person leaves again."""
    ada = away(house, exam, "Ada")
    bob = away(house, exam, "Bob", timedelta(minutes=2))
    page = opened_menu(desk.sign_in_unseen(house.invigilator(exam), f"/monitor?test={exam.id}&q=nobody"))
    expect(rows(page)).to_have_count(0)
    assert page.evaluate("tones.length + buzzes.length") == 0  # nobody has asked for it
    page.get_by_label("Sound when somebody is offline").check()
    until(lambda: page.evaluate("tones.length") == 3)  # how it sounds
    page.get_by_label("Vibrate then").check()
    until(lambda: page.evaluate("buzzes.length") == 1)
    after_a_look(page, 6, 2)
    expect(quiet_bar(page)).to_contain_text("Offline for over 3 minutes: Ada (")
    expect(quiet_bar(page)).not_to_contain_text("Bob")
    after_a_look(page, 6, 2)
    house.over_http(house.hall.session.get_one(User, bob)).post(f"/tests/{exam.id}/help", kind="other")  # R31
    after_a_look(page, 9, 3)
    expect(quiet_bar(page)).to_contain_text("Asks for help: Bob (")
    page.reload()
    opened_menu(page)  # what is pressed lets the page make sounds
    expect(page.get_by_label("Sound when somebody is offline")).to_be_checked()
    after_a_look(page, 0, 0)
    house.hall.seen(ada, FOUR_MINUTES - timedelta(seconds=5))  # was back, and left again
    after_a_look(page, 3, 1)
    page.get_by_label("Sound when somebody is offline").uncheck()
    page.get_by_label("Vibrate then").uncheck()
    away(house, exam, "Cy")
    page.clock.run_for(30_000)
    assert page.evaluate("[tones.length, buzzes.length]") == [3, 1]


@pytest.mark.nightly
def test_the_screen_is_kept_on_while_the_page_is_seen(house: House, desk: Desk, exam: Test) -> None:
    """The system takes it back when the page is hidden; it is asked again when the page comes back.

    It is asked once, also by a tick that was there before the menu's script. A device that refuses says so.
    """
    house.candidate(exam)
    held: list[Route] = []
    desk.page.route("**/monitor-alerts.js*", lambda route: held.append(route))  # noqa: PLW0108 Playwright marks what it is given
    page = desk.sign_in_unseen(house.invigilator(exam), "/monitor")
    page.locator("details.account > summary").click()
    box = page.get_by_label("Keep the screen on")
    box.check()
    until(lambda: page.evaluate("true") and held)  # asked, the page tells what it routes
    held[0].continue_()
    until(lambda: page.evaluate("locks.length"))
    assert page.evaluate("locks") == ["screen"]
    page.evaluate("lock.release()")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    until(lambda: page.evaluate("locks.length") == 2)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.evaluate("lock.addEventListener('release', () => (window.released = true))")
    box.uncheck()
    until(lambda: page.evaluate("window.released"))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert page.evaluate("locks.length") == 2
    page.evaluate(
        "() => { navigator.wakeLock.request = () => Promise.reject(new DOMException('low', 'NotAllowedError')) }"
    )
    box.check()
    expect(page.get_by_text("This device does not allow it now.")).to_be_visible()


def test_what_the_browser_cannot_do_it_says(house: House, desks: Desks, exam: Test) -> None:
    house.candidate(exam)
    desk = desks.desk(house)
    for lack in ("window.AudioContext", "Navigator.prototype.vibrate", "Navigator.prototype.wakeLock"):
        desk.page.add_init_script(f"delete {lack}")
    page = opened_menu(desk.sign_in_unseen(house.invigilator(exam), "/monitor"))
    for label in ("Sound when somebody is offline", "Vibrate then", "Keep the screen on"):
        expect(page.get_by_label(label)).to_be_disabled()
    expect(page.get_by_text("This browser cannot do that.")).to_have_count(3)
