"""The log's one search: in texts and for people, within what the reader sees."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from tests.logbook.entries import write
from tests.logbook.test_pages import shown
from webapp.logbook.append import Actor
from webapp.models import Candidacy, Role, User


def sent(session: Session, sender: User, subject: str, *numbers: str) -> int:
    """A message to these candidates."""
    actor, detail = Actor(sender.id, sender.name, "invigilator"), {"subject": subject, "body": "Look."}
    query = select(Candidacy.id).where(Candidacy.number.in_(numbers))
    return write(session, query, actor=actor, detail={**detail, "audience_words": ["Room: Aula"]}).id


@pytest.mark.thorough
def test_r14_one_search_for_texts_and_people(app: Flask, hall: Hall, session: Session) -> None:
    """Subject, body, sender, recipient, candidate ID or a username that was tried; with the other filters both hold."""
    test = hall.test()
    hall.candidacy(test, hall.person("Åsa Öberg"), room="Aula", number="A-1")
    hall.candidacy(test, hall.person("Bo Berg"), room="Lab", number="A-2")
    inga = hall.contributor(test, user=hall.person("Inga"))
    to_asa, to_bo = sent(session, inga, "Straße", "A-1"), sent(session, inga, "Bo, your pen", "A-2")
    failed = write(session, action="sign_in.failed", actor=Actor(None, "", ""), detail={"username": "bo99"}).id
    admin = signed_in(app, hall.person(is_admin=True))
    found = {
        "STRASSE": [to_asa], "öberg": [to_asa], "a-2": [to_bo], "inga": [to_bo, to_asa], "look": [to_bo, to_asa],
        "bo": [failed, to_bo], "nobody": [],
    }  # fmt: skip
    for phrase, numbers in found.items():
        assert (phrase, shown(admin, f"/log?q={phrase}")) == (phrase, numbers)
    assert shown(admin, "/log?q=inga&text=pen") == [to_bo]
    to_both = sent(session, inga, "To both", "A-1", "A-2")
    assert shown(admin, "/log?q=a-2") == [to_both, to_bo]
    aula = signed_in(app, hall.contributor(test, room="Aula", role=Role.CHIEF_INVIGILATOR))
    assert shown(aula, "/log?q=inga") == [to_both, to_asa]
    assert shown(aula, "/log?q=A-2") == shown(aula, "/log?q=bo99") == []
    assert admin.get("/log?q=a&q=b").status_code == 400
