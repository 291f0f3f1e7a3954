"""Trap 18: script in a name, subject, body or room runs nowhere; all the world's scripts come through whole (R7)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.house import Desks, House, is_live, notice
from tests.browser.monitor_page import compose_for_one, press_send, quiet_bar, row, was_sent, write
from webapp.models import Role

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]

SCRIPT = """<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>"""
WORLD = "\u202eright to left\u202c שלום 你好 👩🏽‍🚀 ñ"
BODY = f'{SCRIPT}\n"><svg onload=alert(1)>\n{{{{ 7*7 }}}} https://example.org/\n{WORLD}'
ELEMENTS = "document.querySelectorAll('main img, main script, main svg[onload], .notices img, dialog img').length"


def test_trap_18_script_in_names_subject_and_body_does_not_run(house: House, desks: Desks) -> None:
    name = f"Ada {SCRIPT}"
    exam = house.exam(f"Algebra {SCRIPT}")
    ada = house.candidate(exam, name, room=SCRIPT, number=SCRIPT[:60])
    staff = house.invigilator(exam, name=f"Ines {SCRIPT}", role=Role.CHIEF_INVIGILATOR)
    paper = desks.desk(house).sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(paper)
    desk = desks.desk(house)
    page = desk.sign_in_unseen(staff, "/monitor")
    form = compose_for_one(page, name)
    form.locator("[data-insert]").click()
    assert form.get_by_label("Subject").input_value().startswith("Algebra <img")
    subject = SCRIPT[:110]
    write(form, subject, BODY)
    expect(form.locator("[data-seen=subject]")).to_have_text(subject)
    assert form.locator("[data-seen=body]").inner_text() == BODY
    assert page.evaluate(ELEMENTS) == 0
    press_send(form)
    was_sent(form, 1)
    assert page.evaluate(ELEMENTS) == 0
    expect(notice(paper, subject)).to_be_visible()
    assert notice(paper, subject).locator(".notice-body").inner_text() == BODY
    assert notice(paper, subject).locator("a").count() == 0  # links are not clickable
    pages = [paper, page]
    quiet_bar(page).get_by_role("link", name="Open").click()
    expect(page).to_have_url(re.compile("/messages/"))
    expect(page.get_by_role("main")).to_contain_text(subject)
    pages += [desk.tab(path) for path in ("/log", "/messages", page.url.removeprefix(house.url), "/log?text=onerror")]
    paper.goto(house.url + "/inbox")
    expect(paper.locator("[data-message] .message-body")).to_have_text(BODY, use_inner_text=True)
    paper.goto(house.url + "/")
    for one in pages:
        assert one.evaluate(ELEMENTS) == 0
        assert "owned" not in one.title()
    page.goto(house.url + "/monitor")
    expect(row(page, name)).to_contain_text("<script>")
    assert page.evaluate(ELEMENTS) == 0
    assert "owned" not in page.title()
