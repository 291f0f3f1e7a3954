"""Quick texts in the compose sheet: one press begins a message, and what was typed is not lost (R23)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import Clean
from tests.browser.house import Desks, House, notice
from tests.browser.monitor_page import compose_for_all, dialog, message_all, quiet_bar
from tests.until import until
from webapp.db.transactions import writing
from webapp.models import QuickText, Test, User

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]
BODY = "Fifteen minutes are left.\nSubmit in time."


def keep_texts(house: House, person: User, test: Test) -> None:
    with writing(house.session):
        house.session.add_all([
            QuickText(user_id=person.id, locale="en", subject="15 minutes left", body=BODY),
            QuickText(test_id=test.id, locale="ar", subject="ماء", body="الماء في الخلف"),
            QuickText(test_id=test.id, locale="en", subject="W" * 120, body="w" * 4000),
        ])  # fmt: skip


def says(page: Page, subject: str, body: str) -> None:
    expect(dialog(page).get_by_label("Subject")).to_have_value(subject)
    expect(dialog(page).get_by_label("Message", exact=True)).to_have_value(body)


def test_a_quick_text_is_sent_with_three_presses_from_the_list(house: House, desks: Desks) -> None:
    """At 390 px as well: after signing in, Message, the text, Send."""
    exam = house.exam()
    ada = house.candidate(exam, "Ada")
    ines = house.invigilator(exam)
    keep_texts(house, ines, exam)
    writing_page = desks.desk(house).sign_in_unseen(ada, f"/tests/{exam.id}")
    page = desks.desk(house, viewport={"width": 390, "height": 844}).sign_in_unseen(ines, "/monitor")
    message_all(page).click()
    dialog(page).get_by_role("button", name="15 minutes left").click()
    dialog(page).get_by_role("button", name="Send to 1 person").click()
    expect(quiet_bar(page)).to_contain_text("Sent to 1 person")
    expect(notice(writing_page, "15 minutes left")).to_contain_text("Submit in time.")


@pytest.mark.nightly
def test_what_was_typed_becomes_a_draft(house: House, desks: Desks, clean: Clean) -> None:
    exam = house.exam()
    house.candidate(exam, "Ada")
    ines = house.invigilator(exam)
    keep_texts(house, ines, exam)
    page = desks.desk(house).sign_in_unseen(ines, "/monitor")
    form = compose_for_all(page)
    own, arabic = (form.get_by_role("button", name=name) for name in ("15 minutes left", "ماء"))
    expect(arabic.locator("bdi")).to_have_attribute("dir", "rtl")
    expect(arabic.locator("bdi")).to_have_attribute("lang", "ar")
    expect(arabic).to_contain_text("العربية")
    form.get_by_label("Message", exact=True).fill("Typed with care")
    own.focus()
    page.keyboard.press("Enter")
    says(page, "15 minutes left", BODY)
    expect(own).to_be_focused()
    expect(own).to_have_attribute("aria-pressed", "true")
    expect(form.locator('[data-seen="body"]')).to_have_text(BODY)
    arabic.click()  # what a quick text has filled in is no draft
    says(page, "ماء", "الماء في الخلف")
    expect(own).to_have_attribute("aria-pressed", "false")
    clean(page, "the sheet with quick texts", "#compose")
    form.get_by_label("Subject").fill("ماء!")
    expect(arabic).to_have_attribute("aria-pressed", "false")
    own.click()
    offers = form.get_by_role("list", name="Unsent drafts").get_by_role("listitem")
    expect(offers).to_have_count(2)
    offers.filter(has_text="Typed with care").get_by_role("button", name="Use here").click()
    says(page, "", "Typed with care")
    page.keyboard.press("Escape")
    page.reload()
    compose_for_all(page)
    says(page, "", "Typed with care")


@pytest.mark.nightly
def test_the_page_of_quick_texts(house: House, desks: Desks, clean: Clean) -> None:
    """By keyboard and with long words, on a phone: add, edit, delete."""
    exam = house.exam("Ω" * 60)
    ines = house.invigilator(exam)
    keep_texts(house, ines, exam)
    page = desks.desk(house, viewport={"width": 390, "height": 844}).sign_in_unseen(ines, "/messages")
    page.get_by_role("link", name="Quick texts").click()
    expect(page.get_by_role("heading", name="Quick texts")).to_be_visible()
    until(lambda: page.evaluate("document.documentElement.scrollWidth <= innerWidth"))  # when its styles are there
    clean(page, "quick texts")
    page.get_by_label("Subject").fill("Water")
    page.keyboard.press("Tab")
    page.keyboard.type("At the back")
    page.get_by_role("button", name="Save").press("Enter")
    page.get_by_role("link", name="Edit Water").press("Enter")
    clean(page, "one quick text", "main")
    page.get_by_label("Subject").fill("Juice")
    page.get_by_role("button", name="Save").press("Enter")
    page.get_by_role("link", name="Edit Juice").press("Enter")
    page.get_by_text("Delete…").press("Enter")
    page.get_by_role("button", name="Delete now").press("Enter")
    expect(page.get_by_role("link", name="Edit 15 minutes left")).to_be_visible()
    expect(page.get_by_text("Juice")).to_have_count(0)
