"""Quick texts can be shown in another language, like every page (`test_every_word.py`)."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.hall import Hall
from tests.messaging.compose_form import HTMX, csrf
from tests.web.pseudo_language import LANGUAGE
from tests.web.test_every_word import (  # noqa: F401 fixtures: pytest finds them here
    all_in_brackets,
    app,
    exam,
    looked_at,
    number_of,
    speaking,
)
from webapp.messaging.quick_texts import MOST_TEXTS
from webapp.models import QuickText, Role
from webapp.models import Test as Exam

pytestmark = [pytest.mark.only_on("sqlite"), pytest.mark.xdist_group("every word"), pytest.mark.thorough]


def test_quick_texts(app: Flask, hall: Hall, session: Session, exam: Exam) -> None:  # noqa: F811
    """A text in a language of its own says which; the language of a text is one of the installation's."""
    exam_id, one = exam.id, number_of(session, exam, 1)
    staff = speaking(app, hall.contributor(exam, role=Role.PLANNER, user=hall.person("Γιώργος")))
    colleague = speaking(app, hall.contributor(exam, user=hall.person("Ελένη")))
    token = {"csrf_token": csrf(staff)}
    looked_at(staff, "/quick-texts", f"/messages/new?candidate={one}")
    for locale, test in (("en", ""), (LANGUAGE, ""), ("en", str(exam_id))):
        form = {"subject": "Νερό", "body": "Πίσω", "locale": locale, "test": test, **token}
        assert staff.post("/quick-texts", data=form).status_code == 303
    session.rollback()
    assert [text.locale for text in session.scalars(select(QuickText))] == ["en", LANGUAGE, "en"]
    sheet = staff.get(f"/messages/new?candidate={one}", headers=HTMX).text
    assert sheet.count('lang="en" dir="ltr">English') == 2
    looked_at(staff, "/quick-texts", "/quick-texts/1", "/quick-texts/3", f"/messages/new?candidate={one}")
    looked_at(colleague, "/quick-texts")
    begun = staff.post("/messages/new", data={"candidate": one, "body": "Και", "quick_text": 1, **token})
    all_in_brackets(begun, "begun with a quick text")
    for subject, body in (("", "ψ" * 4001), ("ψ" * 121, ""), ("ψ\nψ", "\0"), ("\0", "ψ")):
        for address in ("/quick-texts", "/quick-texts/1"):
            refused = staff.post(address, data={"subject": subject, "body": body, **token})
            all_in_brackets(refused, f"refused {address}", 422)
    for _ in range(MOST_TEXTS - 2):
        staff.post("/quick-texts", data={"subject": "Νερό", "body": "Πίσω", **token})
    all_in_brackets(staff.post("/quick-texts", data={"subject": "Νερό", "body": "Πίσω", **token}), "too many", 422)
