"""The page of messages in a browser: live, and its filter holds against every refresh."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.axe import Clean
from tests.browser.house import Desks, House
from webapp.models import Role

pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


def lists(page: Page, *subjects: str) -> None:
    """These and no others."""
    expect(page.locator(".sent-line .log-line-summary")).to_have_text(list(subjects))


def test_it_is_live_and_a_filter_stays_what_it_is(house: House, desks: Desks, clean: Clean) -> None:
    """By key from the monitor; R18, R19: address, focus and filter outlive refreshes, which bring what is new.

    axe finds nothing in the list and on the page of a message.
    """
    exam = house.exam()
    house.hall.candidacies(exam, 2)
    house.hall.candidacies(exam, 2, room="Room 2")
    chief = house.invigilator(exam, role=Role.CHIEF_INVIGILATOR, name="Carla")
    sender = house.over_http(chief)
    sender.send("Windows", scope="filtered", room="Room 1")
    desk = desks.desk(house)
    desk.quicken(5)
    page = desk.sign_in_unseen(house.invigilator(exam, name="Ines"), "/monitor")
    expect(page.locator("[data-rows] [data-candidacy]")).to_have_count(4)
    page.keyboard.press("g")
    page.keyboard.press("s")
    lists(page, "Windows")
    sender.send("Water", scope="filtered", room="Room 2")
    lists(page, "Water", "Windows")
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if "/messages" in request.url else None)
    rooms = page.get_by_role("combobox", name="Room")
    rooms.focus()
    rooms.select_option("Room 1")
    lists(page, "Windows")
    expect(page).to_have_url(re.compile("room=Room"))
    for _ in range(2):  # refreshes
        page.wait_for_event("request", lambda request: "/messages" in request.url)
    assert len(asked) > 2
    assert all("room=Room" in request.url for request in asked)
    lists(page, "Windows")
    expect(rooms).to_have_value("Room 1")
    expect(rooms).to_be_focused()
    sender.send("Doors", scope="filtered", room="Room 1")
    lists(page, "Doors", "Windows")
    page.reload()
    lists(page, "Doors", "Windows")
    page.go_back()
    lists(page, "Doors", "Water", "Windows")
    page.get_by_role("link", name="Follow up “Water”").click()
    expect(page.locator("[data-persons]")).to_have_attribute("data-persons", "2")
    page.go_back()
    lists(page, "Doors", "Water", "Windows")
    clean(page, "messages")
    page.locator(".log-line-link").first.click()
    expect(page.get_by_role("heading", name="Doors")).to_be_visible()
    clean(page, "a message", "main")
