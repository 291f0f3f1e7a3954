"""Asking for help can be shown in another language, like every page (`test_every_word.py`)."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.hall import Hall
from tests.messaging.compose_form import HTMX, csrf
from tests.web.test_every_word import (  # noqa: F401 fixtures: pytest finds them here
    all_in_brackets,
    app,
    exam,
    looked_at,
    number_of,
    speaking,
)
from webapp.models import Candidacy, Role, User
from webapp.models import Test as Exam

pytestmark = [pytest.mark.only_on("sqlite"), pytest.mark.xdist_group("every word"), pytest.mark.thorough]


def test_asking_for_help(app: Flask, hall: Hall, session: Session, exam: Exam) -> None:  # noqa: F811
    exam_id, one = exam.id, session.get_one(Candidacy, number_of(session, exam, 1))
    planner, colleague = (
        hall.contributor(exam, role=Role.PLANNER, user=hall.person(name)) for name in ("Γιώργος", "Ελένη")
    )
    staff, other = speaking(app, planner), speaking(app, colleague)
    person = speaking(app, session.get_one(User, one.user_id))
    closed, ended, early = (
        speaking(app, session.get_one(User, session.get_one(Candidacy, number_of(session, exam, place)).user_id))
        for place in (6, 8, 4)
    )

    def pressed(client: FlaskClient, address: str, *statuses: int, **fields: str) -> None:
        form = {"csrf_token": csrf(client), **fields}
        for headers in (HTMX, None):
            answer = client.post(address, data=form, headers=headers)
            if answer.status_code != 303:
                all_in_brackets(answer, address, *statuses)

    looked_at(staff, "/help", f"/tests/{exam_id}/help-kinds")
    pressed(person, f"/tests/{exam_id}/help", 422, kind="", text="ψ" * 301)
    pressed(person, f"/tests/{exam_id}/help", 422, kind="", text="\a")
    pressed(person, f"/tests/{exam_id}/help", 201, 200, kind="question", text="Γιατί;")
    pressed(person, f"/tests/{exam_id}/help", 409, kind="other", text="Και;")
    for client in (closed, ended):
        pressed(client, f"/tests/{exam_id}/help", 409, kind="other")
    pressed(early, f"/tests/{exam_id}/help", 201, 200, kind="technical")
    looked_at(person, "/", f"/tests/{exam_id}")
    looked_at(staff, "/help", "/monitor", f"/monitor/candidates/{one.id}", f"/messages/new?candidate={one.id}&help=1")
    pressed(staff, "/help/1/claim", 200)
    pressed(other, "/help/1/claim", 409)
    looked_at(other, "/help", "/monitor", f"/monitor/candidates/{one.id}")
    looked_at(person, "/", f"/tests/{exam_id}")
    pressed(staff, "/help/1/done", 200)
    pressed(other, "/help/1/done", 409)
    pressed(early, f"/tests/{exam_id}/help/withdraw", 200)
    pressed(other, "/help/2/claim", 409)
    for kinds in ("", "ψ" * 61, "α\nα", "\n".join("αβγδεζηθικλ"), "\a"):
        pressed(staff, f"/tests/{exam_id}/help-kinds", 422, kinds=kinds)
    looked_at(staff, f"/monitor/candidates/{one.id}", "/log")
    for number in re.findall(r'data-entry="(\d+)"', staff.get("/log").text):
        all_in_brackets(staff.get(f"/log/{number}"), f"entry {number}")
