"""A candidate writes while a message comes (R11): it is there within a second, and the writing does not notice."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from tests.browser.house import Desks, House, is_live, notice
from tests.nightly import at_night
from webapp.db.transactions import writing
from webapp.models import Question

pytestmark = [pytest.mark.browser, pytest.mark.one_database]

TYPED = "the quick brown fox"
LINES = 60
LINE = 40
"""The line that is written in: in the middle of a long answer, so that field and page are scrolled."""

WATCH = """([subject, line]) => {
  const field = document.activeElement, style = getComputedStyle(field);
  const lineHeight = parseFloat(style.lineHeight);
  const place = () => field.getBoundingClientRect().top + parseFloat(style.borderTopWidth)
    + parseFloat(style.paddingTop) + line * lineHeight - field.scrollTop;
  const seen = { at: null, places: [], covered: 0, focusLost: 0, modal: 0 };
  window.seen = seen;
  const strip = document.querySelector('[data-notices-strip]');
  new MutationObserver(() => {
    const notices = [...strip.querySelectorAll('[data-notice]')];
    if (seen.at === null && notices.some((one) => one.textContent.includes(subject))) seen.at = Date.now();
  }).observe(strip, { childList: true, subtree: true });
  const look = () => {
    const y = place() + lineHeight / 2, x = field.getBoundingClientRect().left + 20;
    seen.places.push(place());
    if (document.elementFromPoint(x, y) !== field) seen.covered += 1;
    if (document.activeElement !== field) seen.focusLost += 1;
    if (document.querySelector('dialog[open], :modal')) seen.modal += 1;
    requestAnimationFrame(look);
  };
  look();
}"""


def open_long_answer(house: House, page: Page) -> str:
    """Fill the answer, and put the caret to the end of one line in its middle, a third down the window."""
    text = "\n".join(f"Line {number}" for number in range(LINES))
    field = page.get_by_role("textbox", name="Answer to question 1")
    field.fill(text)
    expect(page.locator("[data-save-state]").first).to_have_attribute("data-state", "saved")
    caret = len("\n".join(text.split("\n")[: LINE + 1]))
    field.evaluate(
        """(field, [caret, line]) => {
          field.focus();
          field.setSelectionRange(caret, caret);
          const style = getComputedStyle(field), height = parseFloat(style.lineHeight);
          field.scrollTop = line * height - field.clientHeight / 2;
          const main = document.getElementById('main');
          const y = field.getBoundingClientRect().top + line * height - field.scrollTop;
          main.scrollTop += y - innerHeight * 0.6;
        }""",
        [caret, LINE],
    )
    return text[:caret] + TYPED + text[caret:]


@pytest.mark.parametrize(("width", "height"), [(360, 700), *at_night((768, 1024), (1440, 900))])
def test_r11_a_notice_while_typing(house: House, desks: Desks, width: int, height: int) -> None:
    """R11, trap 17: no lost or misplaced character, same focus and caret; the line stays in place and uncovered."""
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    page = desks.desk(house, viewport={"width": width, "height": height}).sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(page)
    wanted = open_long_answer(house, page)
    page.evaluate(WATCH, ["Ten more minutes", LINE])
    before = page.evaluate("window.seen.places.at(-1)")
    assert 0 < before < height
    field = page.get_by_role("textbox", name="Answer to question 1")

    def send() -> tuple[float, int]:
        time.sleep(0.5)
        answer = ines.send("Ten more minutes", scope="filtered")
        return time.time(), answer.status_code

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send)
        page.keyboard.type(TYPED, delay=90)
        answered_at, status = sending.result()
    assert status == 201
    expect(notice(page, "Ten more minutes")).to_be_visible()
    page.wait_for_timeout(300)  # what the notice sets going (the count, the list below) is looked at too
    seen = page.evaluate("window.seen")
    assert seen["at"] / 1000 - answered_at < 1
    assert field.input_value() == wanted
    caret = wanted.index(TYPED) + len(TYPED)
    assert field.evaluate("field => [field.selectionStart, field.selectionEnd]") == [caret, caret]
    expect(field).to_be_focused()
    assert (seen["focusLost"], seen["covered"], seen["modal"]) == (0, 0, 0)
    assert max(abs(place - before) for place in seen["places"]) <= 3
    expect(page.locator("[aria-live=polite][data-notices-announcer]")).to_contain_text("Ten more minutes")
    expect(page.locator("[data-save-state]").first).to_have_attribute("data-state", "saved")
    page.reload()
    expect(field).to_have_value(wanted)
    expect(notice(page, "Ten more minutes")).to_be_visible()


def test_r11_several_stack_and_closing_keeps_the_writing(house: House, desks: Desks) -> None:
    """The newest open and the rest counted, in the title too; a click on Close leaves focus and caret.

    Trap 17: the live region is there before its text.
    """
    exam = house.exam()
    ada, ines = house.candidate(exam), house.over_http(house.invigilator(exam))
    page = desks.desk(house).sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(page)
    field = page.get_by_role("textbox", name="Answer to question 1")
    field.press_sequentially("abc")
    region = page.locator("[aria-live=polite][data-notices-announcer]")
    expect(region).to_be_empty()
    region.evaluate("region => { window.region = region; }")
    ines.send("First", scope="filtered")
    expect(region).to_contain_text("First")
    assert region.evaluate("region => region === window.region && region.children.length") == 1
    for subject in ("Second", "Third"):
        ines.send(subject, scope="filtered")
    expect(notice(page, "Third")).to_be_visible()
    expect(notice(page, "First")).to_be_hidden()
    expect(page.get_by_role("button", name="2 more messages")).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(3\) "))
    page.get_by_role("button", name="2 more messages").click()
    order = page.locator("[data-notice] h3").all_inner_texts()
    assert order == ["Third", "Second", "First"]
    notice(page, "Second").get_by_role("button", name="Got it").click()
    expect(notice(page, "Second")).to_have_count(0)
    expect(page).to_have_title(re.compile(r"^\(2\) "))
    expect(field).to_be_focused()
    page.keyboard.type("def")
    expect(field).to_have_value("abcdef")


def test_traps_15_and_16_notices_on_every_page_and_no_dialog_on_any(house: House, desks: Desks) -> None:
    """Also in another test, on the dashboard, before and after the exam; who was offline gets it on entering (R10)."""
    running, other, done, later = (house.exam(title) for title in ("Algebra", "Law", "Physics", "Greek"))
    ada = house.candidate(running)
    house.hall.candidacy(other, ada)
    house.hall.candidacy(done, ada, submitted_at=done.ends_at)
    house.hall.candidacy(later, ada, started_at=None)
    with writing(house.session):
        house.session.add(Question(test_id=running.id, position=2))
    ines = house.over_http(house.invigilator(running))
    ines.send("While you were away", scope="filtered")
    desk = desks.desk(house)
    page = desk.sign_in_unseen(ada)
    expect(notice(page, "While you were away")).to_be_visible()
    paths = ["/", f"/tests/{other.id}", f"/tests/{done.id}", f"/tests/{later.id}"]
    paths += [f"/tests/{running.id}?confirm=submit", "/tests/999999", "/inbox"]
    desk.expects("404")
    for number, path in enumerate(paths):
        desk.goto(path)
        expect(notice(page, "While you were away")).to_be_attached()
        is_live(page)
        ines.send(f"Number {number}", scope="filtered")
        expect(notice(page, f"Number {number}")).to_be_visible()
        expect(page.locator("dialog")).to_have_count(0)
    heard = [f"Number {number}" for number in reversed(range(len(paths)))] + ["While you were away"]
    expect(page.locator("main [data-message] h3")).to_have_text(heard)


@pytest.mark.nightly
def test_a_long_answer_is_not_posted_in_nine_bytes_a_letter(house: House, desks: Desks) -> None:
    exam = house.exam()
    page = desks.desk(house).sign_in_unseen(house.candidate(exam), f"/tests/{exam.id}")
    for text, encoding in (("安" * 9, "application/x-www-form-urlencoded"), ("安" * 90_000, "multipart/form-data")):
        with page.expect_response(lambda answer: "/answers/" in answer.url) as saved:
            page.get_by_role("textbox", name="Answer to question 1").fill(text)
        assert saved.value.request.headers["content-type"].startswith(encoding)
        assert saved.value.status == 200
