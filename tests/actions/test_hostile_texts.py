"""R7, R28: what staff type into actions, incidents and views is text wherever it is shown, also in files."""

from __future__ import annotations

import csv
import io
import re

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.actions.action_form import at_once, open_form, press
from tests.hall import Hall, signed_in
from tests.messaging.compose_form import HTMX, csrf
from tests.nightly import at_night
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Role, User
from webapp.models import Test as Exam

pytestmark = pytest.mark.one_database

HOSTILE = "=1|'\"><img src=x onerror=alert(1)>%(count)s"
RAW = "<img src=x"


def addresses_of(number: int) -> list[str]:
    """Every page and file that shows a candidate."""
    wide = "&".join(f"column={key}" for key in ("name", "number", "room", "seat", "marks", "state"))
    return [
        *(f"{path}?{wide}" for path in ("/monitor", "/monitor/plan", "/monitor/print", "/monitor.csv")),
        "/monitor/views", f"/monitor/candidates/{number}", "/monitor/filters/room",
        "/monitor/alerts", "/incidents/1", "/log", "/log.csv", "/log/print",
        *(f"/log/{entry}" for entry in range(1, 7)), *(f"/candidates/actions/{n}" for n in (2, 3)),
        *(f"/candidates/actions/new?action={name}&candidate={number}" for name in ("note", "room", "extra_time")),
        f"/messages/new?candidate={number}",
    ]  # fmt: skip


@pytest.mark.thorough
def test_no_text_becomes_markup_or_a_formula(
    app: Flask, hall: Hall, test: Exam, chief: User, planner: User, session: Session
) -> None:
    one = hall.candidacy(test, user=hall.person(f"N {HOSTILE}"), room=HOSTILE, seat=HOSTILE[:50], number=HOSTILE)
    hall.candidacy(test, room=HOSTILE)
    browser, colleague = signed_in(app, planner), signed_in(app, hall.contributor(test, user=hall.person(HOSTILE)))
    seen = open_form(browser, "note", candidate=one.id)
    pages = [
        at_once(colleague, "note", candidate=one.id, note=HOSTILE, reason=HOSTILE),
        press(browser, seen, note="Mine"),
        at_once(browser, "pause", candidate=one.id, reason=HOSTILE, idempotency_key="p"),
        at_once(browser, "room", candidate=one.id, room=f"{HOSTILE}!", idempotency_key="r"),
    ]
    headers = {**HTMX, "X-CSRFToken": csrf(browser)}
    incident = {"scope": "filtered", "room": HOSTILE, "reason": HOSTILE, "subject": HOSTILE, "body": HOSTILE}
    token = re.search(
        r'name="audience" value="([^"]*)"',
        browser.get("/incidents/new", query_string={"scope": "filtered", "room": HOSTILE}).text,
    )
    assert token
    form = incident | {"audience": token[1], "idempotency_key": "i"}
    view = {"name": f"V {HOSTILE}"[:60], "query": ""}
    pages += [
        browser.post("/incidents", data={**form, "reason": "r" * 501 + HOSTILE}, headers=headers),
        browser.post("/incidents", data=form | {"tell": "yes"}, headers=headers),
        browser.post("/monitor/views", data={**view, "query": "q=" + "%3Cimg+src%3Dx"}, headers=headers),
        browser.post("/monitor/views", data=view, headers=headers),
    ]
    assert [page.status_code for page in pages] == [201, 201, 201, 422, 422, 201, 201, 422]
    addresses = addresses_of(one.id)
    with writing(session):
        session.get_one(Candidacy, one.id).last_seen = utcnow().replace(year=utcnow().year - 1)
    for address in addresses:
        for sent in ({}, HTMX):
            page = browser.get(address, headers=sent)
            assert page.status_code in (200, 404), address
            if page.mimetype == "text/csv":
                cells = [cell for row in csv.reader(io.StringIO(page.text.removeprefix("\ufeff"))) for cell in row]
                assert any("onerror" in cell for cell in cells), address
                assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells), address
            else:
                pages.append(page)
    for page in pages:
        assert RAW not in page.text or page.mimetype == "application/json", page.request.path
        assert "onerror=alert(1)>" not in page.text or page.mimetype == "application/json", page.request.path


@pytest.mark.thorough
@pytest.mark.parametrize("role", [Role.CHIEF_INVIGILATOR, *at_night(Role.INVIGILATOR)])
def test_r6_what_happens_beside_ones_room_is_told_nowhere(
    app: Flask, hall: Hall, test: Exam, planner: User, session: Session, role: Role
) -> None:
    """Neither names nor notes, rooms, reasons and titles: not on a page, nor in a refusal, nor in a count."""
    hidden = hall.test("Secret Law")
    hall.contributor(hidden, role=Role.PLANNER, user=planner)
    own = hall.candidacy(test, room="Aula")
    beside = hall.candidacy(test, user=hall.person("Secret Name"), number="SECRET-1", room="Secret Annex", seat="S9")
    other = hall.candidacy(hidden, user=session.get_one(User, own.user_id), room="Secret Attic")
    boss = signed_in(app, planner)
    at_once(boss, "note", candidate=beside.id, note="Secret illness", reason="Secret reason")
    at_once(boss, "withdraw", candidate=other.id, reason="Secret fraud", idempotency_key="w")
    token = {"X-CSRFToken": csrf(boss), **HTMX}
    started = {"candidate": [beside.id, own.id], "reason": "Fire", "idempotency_key": "i"}
    assert boss.post("/incidents", data=started, headers=token).status_code == 201
    limited = signed_in(app, hall.contributor(test, role=role, room="Aula"))
    headers = {"X-CSRFToken": csrf(limited)}
    reads = [
        "/monitor", "/monitor?test=2", "/monitor?room=Secret+Annex", "/monitor?q=Secret", "/monitor/plan",
        "/monitor.csv", "/monitor/print", "/monitor/alerts", "/monitor/views", "/monitor/filters/room",
        "/monitor/filters/test",
        "/monitor/filters/state", "/incidents/1", "/log", "/log?q=illness", "/log/1", "/log/2", "/log.csv",
        *(f"/monitor/candidates/{one.id}" for one in (own, beside, other)),
        *(f"/candidates/actions/{number}" for number in (1, 2, 3)),
        *(f"/candidates/actions/new?action={name}&candidate={one.id}"
          for name in ("flag", "room", "extra_time", "reopen", "unlock") for one in (own, beside, other)),
        *(f"/incidents/new?candidate={one.id}" for one in (own, beside, other)),
        *(f"/candidates/actions/new?action=note&scope=filtered{rest}" for rest in ("", "&q=Secret")),
        "/incidents/new?scope=filtered",
    ]  # fmt: skip
    answers = [limited.get(address, headers=sent) for address in reads for sent in ({}, HTMX)]
    for one in (own, beside, other):
        alone = {"candidate": one.id, "reason": "r", "idempotency_key": f"x{one.id}"}
        answers += [
            at_once(limited, "note", candidate=[own.id, one.id], note="n", idempotency_key=f"n{one.id}"),
            at_once(limited, "room", candidate=one.id, room="Aula", idempotency_key=f"r{one.id}"),
            limited.post("/incidents", data=alone, headers=headers),
        ]
    answers += [limited.post(f"/candidates/actions/{n}/undo", headers=headers) for n in (1, 2, 3)]
    answers.append(limited.post("/incidents/1/end", data={"idempotency_key": "e"}, headers=headers))
    hidden_texts = {"Name", "illness", "reason", "Law", "fraud", "Attic", "Annex"}
    for answer in answers:
        assert answer.status_code < 500
        told = {word for word in hidden_texts if f"Secret {word}" in answer.text}
        asked = {"Annex"} if "Annex" in answer.request.query_string.decode() else set()
        assert told <= asked, (answer.request.path, answer.request.query_string)
        assert "SECRET" not in answer.text
        assert f'data-candidacy="{beside.id}"' not in answer.text
