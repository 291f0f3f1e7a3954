"""The exam page: its bar at every width, and nothing that moves (R11)."""

from __future__ import annotations

import pytest
from playwright.sync_api import FloatRect, Page, expect

from tests.browser.house import CUT, Desks, House, is_live
from tests.browser.test_time import change
from tests.nightly import at_night
from webapp.db.transactions import writing
from webapp.models import Candidacy, Question
from webapp.models import Test as Exam

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


def test_the_bar_maps_the_questions_and_says_what_is_saved(house: House, desks: Desks) -> None:
    exam = house.exam()
    test_id = exam.id
    ada = house.candidate(exam, seat="1E")
    with writing(house.session):
        house.session.add_all(Question(test_id=test_id, position=place) for place in (2, 3, 4))
    desk = desks.desk(house)
    desk.expects(*CUT)
    page = desk.sign_in_unseen(ada, f"/tests/{test_id}")
    summary, links = page.locator("[data-save-summary]"), page.locator("[data-question-link]")
    expect(links).to_have_count(4)
    expect(summary).to_have_text("Nothing written yet")
    expect(links.nth(0)).to_have_attribute("aria-current", "true")
    second = page.get_by_role("textbox", name="Answer to question 2")
    links.nth(1).click()
    expect(second).to_be_focused()
    expect(links.nth(1)).to_have_attribute("aria-current", "true")
    expect(second).to_be_in_viewport()
    save = page.locator("#main").get_by_role("button", name="Save")
    expect(save).to_have_count(0)
    page.keyboard.type("Two")
    expect(summary).to_contain_text("All saved ")
    expect(links.nth(1).get_by_role("img", name="written")).to_be_visible()
    expect(links.nth(0).get_by_role("img", name="written")).to_be_hidden()
    assert page.url.endswith(f"/tests/{test_id}")
    desk.context.set_offline(True)
    page.keyboard.type(" and more")
    expect(summary).to_contain_text("Not saved yet")
    save.click()
    expect(summary).to_contain_text("Not saved yet")
    desk.context.set_offline(False)
    expect(summary).to_contain_text("All saved ")
    expect(save).to_have_count(0)
    assert house.fresh().get_one(Candidacy, house.candidacies_of(house.session.get_one(Exam, test_id))[0].id).saved_at


def shows_the_whole_bar(page: Page, width: int) -> FloatRect:
    """At this width; gives where it is."""
    page.set_viewport_size({"width": width, "height": 900})
    parts = [page.locator("[data-question-link]").last, page.get_by_role("timer"), page.locator(".bar-saved"),
             page.get_by_role("button", name="Hide time"), page.get_by_role("button", name="Messages"),
             page.locator("details.account > summary"), page.locator(".bar-title")]  # fmt: skip
    frame = page.locator(".exam-bar").bounding_box()
    assert frame
    assert frame["height"] <= (50 if width > 1024 else 82)
    for part in parts:
        box = part.bounding_box()
        assert box, part
        assert box["x"] >= 0, part
        assert box["x"] + box["width"] <= width, part
        assert box["y"] + box["height"] <= frame["y"] + frame["height"], part
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    return frame


@pytest.mark.parametrize(("width", "height"), [(1440, 900), *at_night((390, 844), (820, 1180))])
def test_nothing_of_the_bar_is_lost_and_nothing_moves(house: House, desks: Desks, width: int, height: int) -> None:
    """One line or two, at every width; a notice and a word about the seat leave the text where it is."""
    exam = house.exam("Mathematical Analysis (MA1210)")
    test_id = exam.id
    ada, ines = house.candidate(exam, seat="1E"), house.over_http(house.invigilator(exam))
    with writing(house.session):
        house.session.add_all(Question(test_id=test_id, position=place) for place in (2, 3, 4))
    page = desks.desk(house, viewport={"width": width, "height": height}).sign_in_unseen(ada, f"/tests/{test_id}")
    is_live(page)
    for each in (390, 820, 1440, width):
        frame = shows_the_whole_bar(page, each)
    field = page.get_by_role("textbox", name="Answer to question 2")
    field.click()
    page.keyboard.type("Some words")
    expect(page.locator("[data-save-summary]")).to_contain_text("saved")
    page.evaluate(
        """() => {
          window.writes = 0;
          new MutationObserver((seen) => (window.writes += seen.length))
            .observe(document.querySelector("[data-countdown-toggle]"), { childList: true, subtree: true });
        }"""
    )
    page.wait_for_timeout(2_200)  # a move within half a second of a key would not count as a shift
    assert page.evaluate("window.writes") == 0, "words that stay are not written again each second"
    page.evaluate(
        """() => {
          window.shift = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
          }).observe({ type: 'layout-shift' });
        }"""
    )
    before = field.bounding_box()
    ines.send("Ten more minutes", scope="filtered")
    expect(page.locator("[data-notice]")).to_be_visible()
    page.wait_for_timeout(300)
    if width >= 1120:
        assert page.evaluate("window.shift") == 0
    change(house, house.session.get_one(Exam, test_id), seat="24F")
    expect(page.locator("[data-countdown-word]")).not_to_be_empty()
    assert page.locator(".exam-bar").bounding_box() == frame
    after = field.bounding_box()
    assert before
    assert after
    assert abs(after["y"] - before["y"]) <= 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(field).to_be_focused()


@pytest.mark.parametrize("width", [390, *at_night(820, 1440)])
def test_the_map_of_many_questions_shows_where_one_is_and_leaves_the_seat_its_room(
    house: House, desks: Desks, width: int
) -> None:
    exam = house.exam("Mathematical Analysis (MA1210)")
    test_id = exam.id
    ada = house.candidate(exam, room="Sal A115", seat="24F")
    with writing(house.session):
        house.session.add_all(Question(test_id=test_id, position=place) for place in range(2, 31))
    page = desks.desk(house, viewport={"width": width, "height": 900}).sign_in_unseen(ada, f"/tests/{test_id}")
    for place in (30, 1, 17):
        page.get_by_role("textbox", name=f"Answer to question {place}", exact=True).focus()
        link = page.locator("[data-question-link]").nth(place - 1)
        expect(link).to_have_attribute("aria-current", "true")
        inside, frame = link.bounding_box(), page.locator(".question-map").bounding_box()
        assert inside
        assert frame
        assert frame["x"] <= inside["x"], place
        assert inside["x"] + inside["width"] <= frame["x"] + frame["width"], place
    seat, place_box = page.locator(".bar-place [data-place]").bounding_box(), page.locator(".bar-place").bounding_box()
    assert seat
    assert place_box
    assert seat["x"] + seat["width"] <= place_box["x"] + place_box["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_notice_in_a_low_window_is_one_line_until_it_is_read(house: House, desks: Desks) -> None:
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    desk = desks.desk(house, viewport={"width": 640, "height": 360})
    page = desk.sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(page)
    ines.send("Room change", scope="filtered")
    notice = page.locator("[data-notice]")
    expect(notice.get_by_role("heading", name="Room change")).to_be_visible()
    expect(notice.locator("[data-notice-body]")).to_be_hidden()
    box = notice.bounding_box()
    assert box
    assert box["height"] < 48
    read = notice.get_by_role("button", name="Read")
    read.click()
    expect(notice.locator("[data-notice-body]")).to_be_visible()
    expect(read).to_have_attribute("aria-expanded", "true")
    notice.get_by_role("button", name="Got it").click()
    expect(notice).to_have_count(0)
