"""R31: planners name what candidates of their test can ask for help with."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.help_requests.asked import ask, client_of, press, requests
from webapp.models import Role, Test

pytestmark = pytest.mark.one_database


def test_r31_the_kinds_of_a_test(app: Flask, hall: Hall, session: Session) -> None:
    """In their order, escaped; the usual ones are refused then, and are there again when they are chosen."""
    test, other = hall.test(), hall.test("Law")
    address = f"/tests/{test.id}/help-kinds"
    planner = signed_in(app, hall.contributor(test, role=Role.PLANNER))
    assert address in planner.get("/help").text
    assert "About a question\nTechnical problem\nSomething else</textarea>" in planner.get(address).text
    saved = press(planner, address, script=False, kinds="Toilet\r\n\r\n  More <b>paper</b>  \nسؤال\n")
    assert (saved.status_code, saved.location) == (303, "/help")
    assert "Toilet\nMore &lt;b&gt;paper&lt;/b&gt;\nسؤال</textarea>" in planner.get(address).text
    person, elsewhere = (client_of(app, hall, hall.candidacy(each)) for each in (test, other))
    assert ask(person, test.id, "question").status_code == 422
    assert ask(elsewhere, other.id, "Toilet").status_code == 422
    page = person.get(f"/tests/{test.id}").text
    assert page.index("Toilet</span>") < page.index("More &lt;b&gt;paper&lt;/b&gt;</span>") < page.index("سؤال</span>")
    assert ask(person, test.id, "More <b>paper</b>").status_code == 201
    assert press(planner, address, script=False, usual="yes").status_code == 303
    assert requests(session)[0].kind == "More <b>paper</b>"  # what was asked stays
    assert session.get_one(Test, test.id).help_kinds == ""
    assert "More &lt;b&gt;paper" in planner.get("/help").text


@pytest.mark.parametrize(
    ("typed", "says"),
    [(" \n\n", "at least one"), ("\n".join(map(str, range(11))), "At most 10"), ("a" * 61, "Too long"),
     ("Toilet\nTOILET", "twice"), ("a\x07b", "cannot be stored")],
)  # fmt: skip
def test_r31_a_list_that_cannot_be_taken_keeps_its_text(app: Flask, hall: Hall, typed: str, says: str) -> None:
    test = hall.test()
    planner = signed_in(app, hall.contributor(test, role=Role.PLANNER))
    refused = press(planner, f"/tests/{test.id}/help-kinds", script=False, kinds=typed)
    assert refused.status_code == 422
    assert says in refused.text
    assert f"\n{typed}</textarea>" in refused.text
    hall.session.rollback()
    assert hall.session.get_one(Test, test.id).help_kinds == ""


def test_r31_only_planners_of_an_open_test(app: Flask, hall: Hall) -> None:
    """Others who see the test are refused, a wrong choice is no choice, and a closed test stays as it is."""
    test, closed = hall.test(), hall.test("Old", closed_at=hall.test("Now").starts_at)
    planner = signed_in(app, hall.contributor(test, closed, role=Role.PLANNER))
    assert press(planner, f"/tests/{test.id}/help-kinds", usual="maybe").status_code == 400
    assert press(planner, f"/tests/{closed.id}/help-kinds", kinds="A").status_code == 404
    chief = signed_in(app, hall.contributor(test, role=Role.CHIEF_INVIGILATOR))
    assert press(chief, f"/tests/{test.id}/help-kinds", kinds="A").status_code == 403
    assert "help-kinds" not in chief.get("/help").text
