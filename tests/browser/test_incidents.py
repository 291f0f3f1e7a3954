"""An incident as a chief invigilator meets it: from the list's menu to the minutes that everybody gets."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.house import Desks, House, notice
from tests.browser.monitor_page import dialog, tick
from webapp.models import Role

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


def test_a_room_is_paused_and_goes_on(house: House, desks: Desks) -> None:
    exam = house.exam()
    ada = house.candidate(exam, "Ada", room="Sal A")
    house.candidate(exam, "Bo", room="Sal B")
    writing = desks.desk(house).sign_in_unseen(ada, f"/tests/{exam.id}")
    chief = house.invigilator(exam, role=Role.CHIEF_INVIGILATOR)
    page = desks.desk(house).sign_in_unseen(chief, "/monitor?room=Sal+A")
    page.get_by_role("button", name="More for this list").click()
    page.get_by_role("link", name="Incident…").click()
    form = dialog(page)
    expect(form.get_by_text("Pauses 1 candidate.")).to_be_visible()
    form.get_by_label("Reason, for the log").fill("Power cut")
    form.get_by_role("button", name="Pause 1 candidate").click()
    expect(form.get_by_text("1 candidate is paused.")).to_be_visible()
    form.get_by_role("button", name="Done").click()
    expect(notice(writing, "Please stop writing for a moment").first).to_be_visible()
    shown = page.locator(".incident")
    expect(shown).to_contain_text("Power cut")
    expect(shown).to_contain_text("1 paused since")
    shown.get_by_role("link", name="End incident…").click()
    form.get_by_role("button", name="End incident").click()
    expect(form.get_by_text("Ended. Each got 1 minute.")).to_be_visible()
    expect(notice(writing, "You can go on writing").first).to_be_visible()
    form.get_by_role("button", name="Done").click()
    expect(shown).to_have_count(0)
    tick(page, "Ada").check()
    bar = page.get_by_role("region", name="For the selected candidates")
    bar.get_by_role("button", name="More").click()
    bar.get_by_role("button", name="Incident…").click()
    expect(form.get_by_text("Pauses 1 candidate.")).to_be_visible()
    page.keyboard.press("Escape")
    rooms = {one.room: one.incident_minutes for one in house.candidacies_of(exam)}
    assert rooms == {"Sal A": 1, "Sal B": 0}
