"""R28: actions in the browser: one press with Undo, forms for ticked rows and for all, and whom they did not reach."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from tests.browser.house import Desks, House
from tests.browser.monitor_page import dialog, row, rows, tick
from webapp.models import Candidacy, Role

# what is looked at is the page, whatever is behind it
pytestmark = [pytest.mark.browser, pytest.mark.only_on("sqlite")]


def menu(page: Page, name: str) -> Locator:
    """A row's menu, open."""
    row(page, name).get_by_role("button", name=re.compile("^More for")).click()
    opened = page.locator(".menu:popover-open")
    expect(opened.get_by_role("group", name="Flag")).to_be_visible()
    return opened


def outcome(page: Page) -> Locator:
    """The quiet bar."""
    return page.locator("[data-quiet-bar]")


def columns(house: House, test_id: int, column: str) -> list[object]:
    """A column of the candidacies of a test, in their order."""
    query = select(getattr(Candidacy, column)).where(Candidacy.test_id == test_id).order_by(Candidacy.id)
    return list(house.fresh().scalars(query))


def test_r28_one_press_and_undo_forms_for_ticked_rows_and_for_all(house: House, desks: Desks) -> None:
    exam = house.exam()
    number = exam.id
    for name in ("Ada Lind", "Bo Ek", "Cleo Dahl"):
        house.candidate(exam, name)
    desk = desks.desk(house)
    desk.expects("422")
    page = desk.sign_in_unseen(house.invigilator(exam, role=Role.CHIEF_INVIGILATOR), "/monitor")
    # one press, without a form, and back
    menu(page, "Ada Lind").get_by_role("button", name="Set").click()
    expect(outcome(page)).to_contain_text("Ada Lind")
    expect(rows(page).get_by_text("Flagged")).to_have_count(1)
    outcome(page).get_by_role("button", name="Undo").press("Enter")
    expect(outcome(page)).to_contain_text("Undone")
    expect(outcome(page).locator(":focus")).to_have_count(1)  # Escape goes back to where it was before
    expect(rows(page).get_by_text("Flagged")).to_have_count(0)
    outcome(page).get_by_role("button", name="Close").click()
    expect(outcome(page)).to_be_hidden()
    # another row's menu acts on that row, by keyboard
    menu(page, "Bo Ek").get_by_role("button", name="Present").press("Enter")
    expect(outcome(page)).to_contain_text("Bo Ek: present")
    assert columns(house, number, "attendance") == [None, "present", None]
    # a form from a row's menu, refused beside its field, the text kept
    menu(page, "Cleo Dahl").get_by_role("link", name="Extra time…").click()
    form = dialog(page)
    form.get_by_label("Reason").fill("Late start")
    form.get_by_label("Minutes").fill("2000")
    form.get_by_role("button", name="Extra time").click()
    expect(form).to_contain_text("Whole minutes from 0 to 1,440.")
    expect(form.get_by_label("Reason")).to_have_value("Late start")
    form.get_by_label("Minutes").fill("15")
    form.get_by_label("Minutes").press("Enter")
    expect(outcome(page)).to_contain_text("15 minutes")
    expect(form).to_be_hidden()
    assert columns(house, number, "extra_minutes") == [0, 0, 15]
    # ticked rows
    tick(page, "Ada Lind").check()
    tick(page, "Cleo Dahl").check()
    page.get_by_role("region", name="For the selected candidates").get_by_role("button", name="Pause").first.click()
    expect(dialog(page)).to_contain_text("For 2 candidates")
    dialog(page).get_by_role("button", name="Pause").press("Enter")
    expect(outcome(page)).to_contain_text("2 candidates")
    assert [bool(moment) for moment in columns(house, number, "paused_at")] == [True, False, True]
    # all in the list: those for whom it stands so are told apart
    page.get_by_role("button", name="More for this list").click()
    page.locator(".menu:popover-open").get_by_role("link", name="Pause…").click()
    expect(dialog(page)).to_contain_text("2 already done")
    dialog(page).get_by_role("button", name="Pause").press("Enter")
    expect(outcome(page)).to_contain_text("2 were done already")
    assert all(columns(house, number, "paused_at"))


def test_a_rows_menu_offers_what_fits_the_row(house: House, desks: Desks) -> None:
    exam = house.exam()
    house.candidate(exam, "Ada Lind")
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam, role=Role.CHIEF_INVIGILATOR), "/monitor")
    menu(page, "Ada Lind").get_by_role("button", name="Set").click()
    expect(rows(page).get_by_text("Flagged")).to_have_count(1)
    opened = menu(page, "Ada Lind")
    expect(opened.get_by_role("button", name="Remove")).to_be_visible()
    expect(opened.get_by_role("button", name="Set", exact=True)).to_be_hidden()
    expect(opened.get_by_role("link", name="Pause…")).to_be_visible()
    for unfit in ("Resume…", "Readmit…"):
        expect(opened.get_by_role("link", name=unfit)).to_be_hidden()
    noted = {"Present": True, "Absent": True, "Not noted": False, "Checked": True, "Not checked": False}
    are_offered(opened, noted)
    opened.get_by_role("button", name="Absent").click()
    expect(outcome(page)).to_contain_text("Ada Lind: absent")
    button = row(page, "Ada Lind").locator("[data-stands]")
    expect(button).to_have_attribute("data-stands", "flag absent")  # the list has come since
    noted |= {"Absent": False, "Not noted": True}
    are_offered(menu(page, "Ada Lind"), noted)
    opened.get_by_role("button", name="Checked", exact=True).click()
    expect(outcome(page)).to_contain_text("ID checked")
    expect(button).to_have_attribute("data-stands", "flag absent checked")
    are_offered(menu(page, "Ada Lind"), noted | {"Checked": False, "Not checked": True})


def are_offered(opened: Locator, buttons: dict[str, bool]) -> None:
    """Whether each of the buttons is there: none for what stands so already."""
    for name, is_offered in buttons.items():
        button = opened.get_by_role("button", name=name, exact=True, include_hidden=True)
        expect(button).to_be_visible(visible=is_offered)


@pytest.mark.nightly
def test_beside_the_list_one_press_notes_and_the_rest_is_in_the_menu(house: House, desks: Desks) -> None:
    """The facts are in view above; the second press of a double one does nothing."""
    exam = house.exam()
    for name in ("Ada Lind", "Bo Ek"):
        house.candidate(exam, name)
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam, role=Role.CHIEF_INVIGILATOR), "/monitor?sort=name")
    row(page, "Bo Ek").get_by_role("link", name="Bo Ek").click()
    beside = page.get_by_role("complementary", name="Candidate")
    expect(beside.locator("#candidate-title")).to_have_text("Bo Ek")
    assert beside.locator(".candidate-facts").evaluate("facts => facts.getBoundingClientRect().y") < 300
    present = beside.get_by_role("group", name="Attendance").get_by_role("button", name="Present")
    present.dblclick()
    expect(present).to_have_attribute("aria-pressed", "true")
    expect(present).to_be_focused()
    present.press("Enter")  # it stands so
    expect(outcome(page).locator("[data-outcome]")).to_have_count(1)
    beside.get_by_role("button", name="Flag", exact=True).dblclick()
    expect(beside.get_by_role("button", name="Remove flag")).to_be_visible()
    assert columns(house, exam.id, "attendance") == [None, "present"]
    assert columns(house, exam.id, "flagged") == [False, True]
    beside.get_by_role("button", name="More").click()
    opened = page.locator(".menu:popover-open")
    are_offered(opened, {"Present": False, "Absent": True, "Set": False, "Remove": True})
    for name, is_fit in (("Pause…", True), ("Resume…", False), ("Extra time…", True), ("Readmit…", False)):
        expect(opened.get_by_role("link", name=name, include_hidden=True)).to_be_visible(visible=is_fit)
    opened.get_by_role("link", name="Extra time…").click()
    expect(dialog(page)).to_contain_text("Bo Ek")
    page.keyboard.press("Escape")
    expect(beside).to_be_visible()


@pytest.mark.nightly
def test_what_comes_later_does_not_take_an_undo_away(house: House, desks: Desks) -> None:
    """The newest stands first, and an outcome that was undone makes room."""
    exam = house.exam()
    for name in ("Ada Lind", "Bo Ek"):
        house.candidate(exam, name)
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor")
    told = outcome(page).locator("[data-outcome]")
    page.set_viewport_size({"width": 390, "height": 844})
    for name in ("Ada Lind", "Bo Ek"):
        menu(page, name).get_by_role("button", name="Present").click()
        expect(outcome(page)).to_contain_text(f"{name}: present")
    expect(told).to_have_text([re.compile("Bo Ek"), re.compile("Ada Lind")])
    box = outcome(page).bounding_box()
    assert box
    assert box["height"] <= 120  # a line each, with its Undo beside
    told.filter(has_text="Ada Lind").get_by_role("button", name="Undo").press("Enter")
    expect(told).to_have_text([re.compile("Undone"), re.compile("Bo Ek")])
    expect(outcome(page).get_by_role("button", name="Close")).to_be_focused()  # a second Enter undoes nothing more
    assert columns(house, exam.id, "attendance") == [None, "present"]


@pytest.mark.nightly
def test_a_note_that_was_left_is_there_again(house: House, desks: Desks) -> None:
    """For the same candidate and action, until it is written or discarded; over a reload too."""
    exam = house.exam()
    for name in ("Ada Lind", "Bo Ek"):
        house.candidate(exam, name)
    desk = desks.desk(house)
    desk.expects("422")
    page = desk.sign_in_unseen(house.invigilator(exam, role=Role.CHIEF_INVIGILATOR), "/monitor")

    def form_for(name: str, item: str = "Note…") -> Locator:
        menu(page, name).get_by_role("link", name=item).click()
        expect(dialog(page)).to_contain_text(name)
        return dialog(page)

    form_for("Ada Lind").get_by_label("Note").fill("Feels ill, went out")
    page.keyboard.press("Escape")
    expect(form_for("Bo Ek").get_by_label("Note")).to_have_value("")
    page.keyboard.press("Escape")
    page.reload()
    form = form_for("Ada Lind")
    expect(form.get_by_label("Note")).to_have_value("Feels ill, went out")
    expect(form).to_contain_text("What you had typed is here again.")
    form.get_by_label("Note").fill(f"Feels ill, went out at 10 {'w' * 300}")
    form.get_by_role("button", name="Note").last.click()
    expect(outcome(page)).to_contain_text("Feels ill, went out at 10")
    words, bar = (outcome(page).locator(part).bounding_box() for part in (".outcome-done", ":scope"))
    assert words
    assert bar
    assert words["x"] + words["width"] < bar["x"] + bar["width"]  # a long word is broken
    outcome(page).get_by_role("button", name="Undo").click()
    expect(outcome(page)).to_contain_text("Undone")
    form = form_for("Ada Lind")
    expect(form.get_by_label("Note")).to_have_value("")
    expect(form.get_by_role("button", name="Discard")).to_be_hidden()
    page.keyboard.press("Escape")
    # a reason, refused with its minutes, stays too; discarded it is gone
    form = form_for("Bo Ek", "Extra time…")
    form.get_by_label("Minutes").fill("2000")
    form.get_by_label("Reason").fill("Late start")
    form.get_by_role("button", name="Extra time").click()
    expect(form).to_contain_text("Whole minutes from 0 to 1,440.")
    page.keyboard.press("Escape")
    form = form_for("Bo Ek", "Extra time…")
    expect(form.get_by_label("Reason")).to_have_value("Late start")
    form.get_by_role("button", name="Discard").click()
    expect(form.get_by_label("Reason")).to_have_value("")
    page.keyboard.press("Escape")
    expect(form_for("Bo Ek", "Extra time…").get_by_label("Reason")).to_have_value("")


def test_an_invigilator_is_offered_what_the_role_carries(house: House, desks: Desks) -> None:
    exam = house.exam()
    house.candidate(exam, "Ada Lind")
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam), "/monitor")
    opened = menu(page, "Ada Lind")
    expect(opened.get_by_role("link", name="Note…")).to_be_visible()
    expect(opened.get_by_role("link", name="Pause…")).to_have_count(0)
    page.keyboard.press("Escape")
    tick(page, "Ada Lind").check()
    bar = page.get_by_role("region", name="For the selected candidates")
    expect(bar.get_by_role("button", name="Flag").first).to_be_visible()
    expect(bar.get_by_role("button", name="Pause", include_hidden=True)).to_have_count(0)


def test_whom_an_action_could_not_reach_stays_to_be_read(house: House, desks: Desks) -> None:
    """A colleague was quicker: the dialog stays and names who has set what."""
    exam = house.exam()
    ada = house.candidate(exam, "Ada Lind")
    page = desks.desk(house).sign_in_unseen(house.invigilator(exam, role=Role.CHIEF_INVIGILATOR), "/monitor")
    menu(page, "Ada Lind").get_by_role("link", name="Note…").click()
    form = dialog(page)
    form.get_by_label("Note").fill("Mine")
    colleague = desks.desk(house).sign_in_unseen(house.invigilator(exam, name="Vera Holm"), "/monitor")
    menu(colleague, "Ada Lind").get_by_role("link", name="Note…").click()
    dialog(colleague).get_by_label("Note").fill("Hers")
    dialog(colleague).get_by_role("button", name="Note").last.click()
    expect(outcome(colleague)).to_contain_text("Hers")
    form.get_by_role("button", name="Note").last.click()
    expect(form).to_contain_text("Vera Holm has changed it just now.")
    expect(page.get_by_role("dialog", name="Note · nothing to change").locator("[data-dialog-title]")).to_be_focused()
    expect(form).to_contain_text("Hers")
    assert columns(house, exam.id, "note") == ["Hers"], ada
