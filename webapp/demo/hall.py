"""The sample hall: created in the database once, and set to run again on another day.

`hall.toml` holds tests, staff and earlier messages, `hall.csv` the candidates.
"""

import csv
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import delete, exists, func, insert, select, update
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from webapp.accounts.passwords import hash_password
from webapp.accounts.signing_in import TooManyTries, WrongPassword, sign_in
from webapp.config import Settings
from webapp.db.transactions import writing
from webapp.exceptions import Refusal
from webapp.messaging.audience import Selection, Tokens
from webapp.messaging.draft import Draft
from webapp.messaging.preview import preview
from webapp.messaging.sending import send
from webapp.models import (
    Absence,
    Answer,
    Candidacy,
    Contribution,
    HelpRequest,
    Incident,
    IncidentCandidacy,
    Message,
    Question,
    QuickText,
    Role,
    Test,
    User,
)
from webapp.models.people import sign_in_name
from webapp.monitor.filters import Filter, parse_filter
from webapp.monitor.search_text import refresh_search_text

FOLDER = Path(__file__).parent
STORY: dict[str, Any] = tomllib.loads((FOLDER / "hall.toml").read_text(encoding="utf-8"))
PASSWORD: str = STORY["password"]
ACCOUNTS: dict[str, str] = STORY["accounts"]
"""Username → description of the accounts that `make demo` prints."""
Seat = dict[str, str]
"""A line of `hall.csv`: one person in one test, and what they did before the demo was started."""
ENOUGH_LEFT = timedelta(hours=1)
"""If one of its tests ends sooner, the hall begins anew."""
NOT_STARTED = {
    "entered_at": None, "started_at": None, "paused_at": None, "saved_at": None, "submitted_at": None,
    "withdrawn_at": None, "blank": False, "back_at": None, "incident_minutes": 0,
    "last_seen": None, "left_at": None, "flagged": False, "attendance": None, "id_checked": False, "note": "",
}  # fmt: skip
PLACE = ("number", "group_name", "room", "building", "seat", "question_set")
"""The columns of a candidacy that `hall.csv` has as they are."""
IS_OF_THE_DEMO = User.email.endswith("@" + STORY["email_domain"], autoescape=True)
IS_OUR_TEST = Test.title.in_([plan["title"] for plan in STORY["tests"]])
OUR_CANDIDACIES = select(Candidacy.id, Candidacy.test_id, Candidacy.number).join(Candidacy.test).where(IS_OUR_TEST)


@cache
def seats() -> list[Seat]:
    """All candidacies of the demo: 1,640 of 1,600 people, 77 of them in room Sal A115 and Group 07."""
    return list(csv.DictReader((FOLDER / "hall.csv").read_text(encoding="utf-8").splitlines()))


def is_of_the_77(seat: Seat) -> bool:
    """Whether the README sends its reader to this candidate."""
    return (seat["room"], seat["group_name"]) == ("Sal A115", "Group 07")


class NotADemo(Refusal):
    """The database belongs to real people."""

    def __str__(self) -> str:
        return f"The sample hall was not loaded: {super().__str__()}"


@dataclass(frozen=True)
class Hall:
    """The ids of tests (by the story's keys) and of users (by username)."""

    tests: dict[str, int]
    users: dict[str, int]
    began_anew: bool
    """Whether this call created the tests or set them to run again."""


def load(session: Session, now: datetime, settings: Settings) -> Hall:
    """Create the hall, or what is missing of it, so that all its tests run at `now`.

    Raises `NotADemo` if the database has real people and `EXAMHALL_DEMO` is not set, and always if an account or a
    test with one of the hall's names belongs to somebody else. Real accounts are never touched.
    """
    people = [STORY["administrator"], *STORY["staff"], *seats()]
    names = {person["username"]: person["name"] for person in people}
    with writing(session):
        _refuse_real_data(session, names, allowed=settings.demo)
        _insert_missing(session, User, ["username"], _users(names))
        users = dict(session.execute(select(User.username, User.id).where(IS_OF_THE_DEMO)).all())
        began_anew = _begin_tests(session, now, settings)
        ids = dict(session.execute(select(Test.title, Test.id).where(IS_OUR_TEST)).all())
        hall = Hall({plan["key"]: ids[plan["title"]] for plan in STORY["tests"]}, users, began_anew)
        _insert_missing(session, Contribution, ["user_id", "test_id"], _contributions(hall))
        changed = _insert_missing(session, Candidacy, ["test_id", "number"], _candidacies(hall))
        if began_anew:
            if len(changed) < len(seats()):
                changed = _seat_everybody(session, hall)
            _seed_progress(session, hall, now)
            _note_remarks(session, hall)
            _ask_for_help(session, hall, now)
            _insert_missing(session, QuickText, ["test_id", "subject"], _quick_texts(hall))
        refresh_search_text(session, changed)
    _send_earlier_messages(session, hall, now, settings)
    return hall


def _refuse_real_data(session: Session, usernames: Iterable[str], *, allowed: bool) -> None:
    is_loaded = session.scalar(select(exists().where(IS_OF_THE_DEMO)))
    if not is_loaded and not allowed and session.scalar(select(exists().where(~IS_OF_THE_DEMO))):
        raise NotADemo("this database has people in it. Set EXAMHALL_DEMO=1 to have the sample hall beside them.")
    is_ours = User.sign_in_name.in_(map(sign_in_name, usernames))
    taken = session.scalar(select(User.username).where(is_ours, ~IS_OF_THE_DEMO).limit(1))
    if taken:
        raise NotADemo(f"the account {taken!r} belongs to somebody else.")
    is_planner = Contribution.test_id == Test.id, Contribution.user_id == User.id, Contribution.role == Role.PLANNER
    is_planned_by_us = exists().where(*is_planner, IS_OF_THE_DEMO)
    taken = session.scalar(select(Test.title).where(IS_OUR_TEST, ~is_planned_by_us).limit(1))
    if taken:
        raise NotADemo(f"there is a test {taken!r} that is not the demo's.")


def _insert_missing(session: Session, model: Any, key: list[str], rows: Iterable[dict[str, Any]]) -> list[int]:
    """Insert the rows whose `key` no stored row has; returns the new ids."""
    stored = set(session.execute(select(*(getattr(model, column) for column in key))).all())
    missing = [row for row in rows if tuple(row[column] for column in key) not in stored]
    return list(session.scalars(insert(model).returning(model.id), missing)) if missing else []


def _users(names: dict[str, str]) -> Iterable[dict[str, Any]]:
    password_hash = hash_password(PASSWORD)
    for username, name in names.items():
        yield {
            "username": username,
            "sign_in_name": sign_in_name(username),
            "name": name,
            "email": f"{username}@{STORY['email_domain']}",
            "password_hash": password_hash,
            "is_admin": username == STORY["administrator"]["username"],
        }


def _begin_tests(session: Session, now: datetime, settings: Settings) -> bool:
    """Have the tests run now, with nobody in them yet. False, with nothing changed, if all run for a while still."""
    is_running = (Test.starts_at <= now) & (Test.ends_at >= now + ENOUGH_LEFT) & Test.closed_at.is_(None)
    if session.scalar(select(func.count()).where(IS_OUR_TEST, is_running)) == len(STORY["tests"]):
        return False
    is_in_them = Candidacy.test_id.in_(select(Test.id).where(IS_OUR_TEST))
    theirs = select(Candidacy.id).where(is_in_them)
    for model in (Answer, Absence, HelpRequest):
        session.execute(delete(model).where(model.candidacy_id.in_(theirs)))
    incidents = select(IncidentCandidacy.incident_id).where(IncidentCandidacy.candidacy_id.in_(theirs))
    session.execute(
        update(Incident).where(Incident.id.in_(incidents), Incident.ended_at.is_(None)).values(ended_at=now)
    )
    session.execute(update(Candidacy).where(is_in_them).values(**NOT_STARTED))
    tests = {test.title: test for test in session.scalars(select(Test).where(IS_OUR_TEST))}
    for plan in STORY["tests"]:
        test = tests.get(plan["title"]) or Test(title=plan["title"])
        test.starts_at = (now - timedelta(minutes=plan["began_minutes_ago"])).replace(second=0, microsecond=0)
        test.ends_at = test.starts_at + timedelta(hours=plan["duration_hours"])
        test.start_date = test.starts_at.astimezone(settings.timezone).date()
        test.closed_at = None
        session.add(test)
        session.flush()
        if test.title not in tests:
            prompts = enumerate(plan["questions"], 1)
            session.add_all(Question(test_id=test.id, position=place, prompt=text) for place, text in prompts)
    session.flush()
    return True


def _contributions(hall: Hall) -> Iterable[dict[str, Any]]:
    for person in STORY["staff"]:
        row = {"user_id": hall.users[person["username"]], "role": Role(person["role"]), "room": person.get("room")}
        for key in person["tests"]:
            yield row | {"test_id": hall.tests[key]}


def _candidacies(hall: Hall) -> Iterable[dict[str, Any]]:
    for seat in seats():
        row = {"test_id": hall.tests[seat["test"]], "user_id": hall.users[seat["username"]]}
        yield row | {column: seat[column] for column in PLACE} | {"extra_minutes": int(seat["extra_minutes"])}


def _seat_everybody(session: Session, hall: Hall) -> list[int]:
    """Have everybody sit where the story has them, whatever was changed since; returns the ids."""
    ids = {(row.test_id, row.number): row.id for row in session.execute(OUR_CANDIDACIES)}
    rows = [{"id": ids[row["test_id"], row["number"]], **row} for row in _candidacies(hall)]
    session.execute(update(Candidacy), rows)
    return [row["id"] for row in rows]


def _seed_progress(session: Session, hall: Hall, now: datetime) -> None:
    """Write what some candidates did before now, so that the monitor has something to show at once."""
    questions = select(Question.id).where(Question.test_id == hall.tests["analysis"]).order_by(Question.position)
    question_ids = session.scalars(questions).all()
    for seat in seats():
        if not seat["progress"]:
            continue
        progress = STORY["progress"][seat["progress"]]
        times = _moments(int(seat["number"][1:]), now)
        values = progress["values"] | {name: times[name] for name in progress["moments"]}
        seated = Candidacy.test_id == hall.tests[seat["test"]], Candidacy.number == seat["number"]
        candidacy_id = session.scalars(update(Candidacy).where(*seated).values(**values).returning(Candidacy.id)).one()
        if progress["moments"]:  # in all of the person's tests, as presence is written
            own = Candidacy.user_id == hall.users[seat["username"]]
            session.execute(update(Candidacy).where(own).values(last_seen=times["submitted_at"]))
        if "back_at" in progress["moments"]:
            since = times["back_at"] - timedelta(minutes=3 + candidacy_id % 6)
            session.add(Absence(candidacy_id=candidacy_id, since=since, until=times["back_at"]))
        answer = {"candidacy_id": candidacy_id, "saved_at": times["saved_at"]}
        texts = STORY["answers_before"][: progress["answers"]]
        session.add_all(
            Answer(**answer, question_id=id_, text=text) for id_, text in zip(question_ids, texts, strict=False)
        )


def _note_remarks(session: Session, hall: Hall) -> None:
    for remark in STORY["remarks"]:
        noted = {"note": remark["note"], "flagged": remark.get("flagged", False)}
        own = Candidacy.test_id == hall.tests["analysis"], Candidacy.user_id == hall.users[remark["username"]]
        session.execute(update(Candidacy).where(*own).values(**noted))


def _ask_for_help(session: Session, hall: Hall, now: datetime) -> None:
    for story in STORY["help"]:
        own = Candidacy.test_id == hall.tests["analysis"], Candidacy.user_id == hall.users[story["username"]]
        candidacy_id = session.scalars(select(Candidacy.id).where(*own)).one()
        at = now - timedelta(minutes=story["minutes_ago"])
        session.add(HelpRequest(candidacy_id=candidacy_id, kind=story["kind"], text=story["text"], asked_at=at))


def _quick_texts(hall: Hall) -> Iterable[dict[str, Any]]:
    for text in STORY["quick_texts"]:
        yield {"test_id": hall.tests[text["test"]], "subject": text["subject"], "body": text["body"], "locale": "en"}


def _moments(number: int, now: datetime) -> dict[str, datetime]:
    """Column → moment before `now`, a little different for each candidate."""
    entered = now - timedelta(minutes=38, seconds=number % 200)
    saved = now - timedelta(minutes=6 + number % 9, seconds=number % 50)
    ended = saved + timedelta(seconds=50)
    moments = {"entered_at": entered, "started_at": entered + timedelta(seconds=70), "saved_at": saved}
    return moments | {"back_at": saved, "submitted_at": ended, "withdrawn_at": ended, "paused_at": ended}


def _send_earlier_messages(session: Session, hall: Hall, now: datetime, settings: Settings) -> None:
    """Send the story's earlier messages that were not sent yet, as everybody sends, after one failed sign-in."""
    keys = [message["key"] for message in STORY["messages"]]
    sent = set(session.scalars(select(Message.idempotency_key).where(Message.idempotency_key.in_(keys))))
    if not sent:
        with suppress(WrongPassword, TooManyTries):
            client = {"address": "127.0.0.1", "device_cookie": "", "secret_key": settings.secret_key}
            sign_in(session, "candidate2", "forgotten", **client, now=now - timedelta(minutes=30))
    for message in STORY["messages"]:
        if message["key"] not in sent:
            _send(session, hall, message, now - timedelta(minutes=message["minutes_ago"]), settings)


def _send(session: Session, hall: Hall, message: dict[str, Any], at: datetime, settings: Settings) -> None:
    sender = session.get_one(User, hall.users[message["sender"]])
    test_id = hall.tests[message["test"]]
    if "candidate" in message:
        user_id = hall.users[message["candidate"]]
        query = select(Candidacy.id).where(Candidacy.test_id == test_id, Candidacy.user_id == user_id)
        selection = Selection(Filter(), listed=(session.scalars(query).one(),))
    else:
        parameters = MultiDict({"test": str(test_id), **message.get("filter", {})})
        selection = Selection(parse_filter(parameters, settings.timezone))
    shown = preview(session, sender, selection, now=at, limit=settings.max_recipients)
    tokens = Tokens(settings.secret_key, sender.id)
    token = tokens.sign(shown.selection, shown.user_ids) if shown.user_ids else ""
    draft = Draft(message["subject"], message["body"], selection, token, message["key"])
    send(session, sender, draft, now=at, limit=settings.max_recipients, tokens=tokens, announce=lambda *_: None)
