"""The sample hall in the database: created once, and set to run again on another day."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, insert, select, update
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from webapp.accounts.exceptions import TooManyTries, WrongPassword
from webapp.accounts.passwords import hash_password
from webapp.accounts.signing_in import sign_in
from webapp.config import Settings
from webapp.db.transactions import writing
from webapp.demo.story import PASSWORD, STORY, progress_of, seats
from webapp.exceptions import Refusal
from webapp.messaging.audience import Selection
from webapp.messaging.preview import preview
from webapp.messaging.sending import Draft, send
from webapp.messaging.tokens import Tokens
from webapp.models import Answer, Candidacy, Contribution, Message, Question, Role, Test, User
from webapp.models.people import sign_in_name
from webapp.monitor.filters import Filter, parse_filter
from webapp.planning.search_text import refresh_search_text

ENOUGH_LEFT = timedelta(hours=1)
"""If one of its tests ends sooner, the hall begins anew."""
NOT_STARTED = {
    "entered_at": None, "started_at": None, "paused_at": None, "saved_at": None, "submitted_at": None,
    "withdrawn_at": None, "blank": False, "back_at": None, "incident_minutes": 0,
    "last_seen": None, "left_at": None, "flagged": False, "attendance": None, "id_checked": False,
}  # fmt: skip


class NotADemo(Refusal):
    """The database belongs to real people."""

    status = 409


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
    with writing(session):
        _refuse_real_data(session, allowed=settings.demo)
        users = _create_people(session)
        tests = _create_tests(session, users["planner"], now, settings)
        restarted = _restart(session, tests, now, settings)
        _create_contributions(session, tests, users)
        created = _create_candidacies(session, tests, users)
        if restarted or created:
            _seed_progress(session, tests, users, now)
    return Hall(tests, users, began_anew=restarted or created)


def _of_the_demo() -> ColumnElement[bool]:
    return User.email.endswith("@" + STORY["email_domain"], autoescape=True)


def _refuse_real_data(session: Session, *, allowed: bool) -> None:
    ours = _of_the_demo()
    is_loaded = session.scalar(select(exists().where(ours)))
    if not is_loaded and not allowed and session.scalar(select(exists().where(~ours))):
        raise NotADemo("this database has people in it. Set EXAMHALL_DEMO=1 to have the sample hall beside them.")
    names = [sign_in_name(username) for username in _names()]
    taken = session.scalar(select(User.username).where(User.sign_in_name.in_(names), ~ours).limit(1))
    if taken:
        raise NotADemo(f"the account {taken!r} belongs to somebody else.")
    planned_by_us = exists().where(
        Contribution.test_id == Test.id, Contribution.user_id == User.id, Contribution.role == Role.PLANNER, ours
    )
    taken = session.scalar(select(Test.title).where(Test.title.in_(_titles()), ~planned_by_us).limit(1))
    if taken:
        raise NotADemo(f"there is a test {taken!r} that is not the demo's.")


def _titles() -> list[str]:
    return [test["title"] for test in STORY["tests"]]


def _names() -> dict[str, str]:
    """Username → name of everyone in the hall."""
    people = {one["username"]: one["name"] for one in [STORY["administrator"], *STORY["staff"]]}
    return people | {seat.username: seat.name for seat in seats()}


def _create_people(session: Session) -> dict[str, int]:
    """Username → id. Everyone has the same password, hashed once."""
    existing = dict(session.execute(select(User.username, User.id).where(_of_the_demo())).all())
    missing = {username: name for username, name in _names().items() if username not in existing}
    if not missing:
        return existing
    password_hash = hash_password(PASSWORD)
    rows = [
        {
            "username": username,
            "sign_in_name": sign_in_name(username),
            "name": name,
            "email": f"{username}@{STORY['email_domain']}",
            "password_hash": password_hash,
            "is_admin": username == STORY["administrator"]["username"],
        }
        for username, name in missing.items()
    ]
    return existing | dict(session.execute(insert(User).returning(User.username, User.id), rows).all())


def _create_tests(session: Session, planner: int, now: datetime, settings: Settings) -> dict[str, int]:
    """Key → id."""
    query = (
        select(Test.title, Test.id)
        .join(Contribution, Contribution.test_id == Test.id)
        .where(Contribution.user_id == planner, Test.title.in_(_titles()))
    )
    ids = dict(session.execute(query).all())
    for plan in STORY["tests"]:
        if plan["title"] not in ids:
            test = Test(title=plan["title"], **_times(plan, now, settings))
            test.questions = [Question(position=n, prompt=text) for n, text in enumerate(plan["questions"], 1)]
            session.add(test)
            session.flush()
            ids[plan["title"]] = test.id
    return {plan["key"]: ids[plan["title"]] for plan in STORY["tests"]}


def _times(plan: dict[str, Any], now: datetime, settings: Settings) -> dict[str, object]:
    starts_at = (now - timedelta(minutes=plan["began_minutes_ago"])).replace(second=0, microsecond=0)
    return {
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=plan["duration_hours"]),
        "start_date": starts_at.astimezone(settings.timezone).date(),
        "closed_at": None,
    }


def _restart(session: Session, tests: dict[str, int], now: datetime, settings: Settings) -> bool:
    """Move the tests to now, with nobody in them yet, unless all of them run for a while still."""
    ours = Test.id.in_(tests.values())
    running = ours & (Test.starts_at <= now) & (Test.ends_at >= now + ENOUGH_LEFT) & Test.closed_at.is_(None)
    if len(session.scalars(select(Test.id).where(running)).all()) == len(tests):
        return False
    for plan in STORY["tests"]:
        session.execute(update(Test).where(Test.id == tests[plan["key"]]).values(**_times(plan, now, settings)))
    in_them = Candidacy.test_id.in_(tests.values())
    session.execute(delete(Answer).where(Answer.candidacy_id.in_(select(Candidacy.id).where(in_them))))
    session.execute(update(Candidacy).where(in_them).values(**NOT_STARTED))
    return True


def _create_contributions(session: Session, tests: dict[str, int], users: dict[str, int]) -> None:
    existing = set(session.execute(select(Contribution.user_id, Contribution.test_id)).all())
    for person in STORY["staff"]:
        for key in person["tests"]:
            user_id, test_id = users[person["username"]], tests[key]
            if (user_id, test_id) not in existing:
                role = Role(person["role"])
                session.add(Contribution(user_id=user_id, test_id=test_id, role=role, room=person.get("room")))
    session.flush()


def _create_candidacies(session: Session, tests: dict[str, int], users: dict[str, int]) -> bool:
    query = select(Candidacy.test_id, Candidacy.number).where(Candidacy.test_id.in_(tests.values()))
    existing = set(session.execute(query).all())
    candidacies = []
    for seat in seats():
        if (tests[seat.test], seat.number) not in existing:
            values = asdict(seat) | {"test_id": tests[seat.test], "user_id": users[seat.username]}
            values["group_name"] = values.pop("group")
            del values["test"], values["username"], values["name"]
            candidacies.append(Candidacy(**values))
    if not candidacies:
        return False
    session.add_all(candidacies)
    session.flush()
    refresh_search_text(session, [candidacy.id for candidacy in candidacies])
    return True


def _seed_progress(session: Session, tests: dict[str, int], users: dict[str, int], now: datetime) -> None:
    """Write what some candidates did before now, so that the monitor has something to show at once."""
    questions = session.scalars(
        select(Question.id).where(Question.test_id == tests["analysis"]).order_by(Question.position)
    ).all()
    for seat in seats():
        progress = progress_of(seat)
        if progress is None:
            continue
        times = _moments(int(seat.number[1:]), now)
        values = progress["values"] | {name: times[name] for name in progress["moments"]}
        seated = Candidacy.test_id == tests[seat.test], Candidacy.number == seat.number
        candidacy_id = session.scalars(update(Candidacy).where(*seated).values(**values).returning(Candidacy.id)).one()
        if progress["moments"]:  # in all of the person's tests, as presence is written
            own = Candidacy.user_id == users[seat.username]
            session.execute(update(Candidacy).where(own).values(last_seen=times["submitted_at"]))
        texts = STORY["progress"]["answers"][: progress["answers"]]
        for question_id, text in zip(questions, texts, strict=False):
            session.add(
                Answer(candidacy_id=candidacy_id, question_id=question_id, text=text, saved_at=times["saved_at"])
            )


def _moments(number: int, now: datetime) -> dict[str, datetime]:
    """Column → moment before `now`, a little different for each candidate."""
    entered = now - timedelta(minutes=38, seconds=number % 200)
    saved = now - timedelta(minutes=6 + number % 9, seconds=number % 50)
    ended = saved + timedelta(seconds=50)
    moments = {"entered_at": entered, "started_at": entered + timedelta(seconds=70), "saved_at": saved}
    return moments | {"back_at": saved, "submitted_at": ended, "withdrawn_at": ended, "paused_at": ended}


def seed_messages(session: Session, hall: Hall, now: datetime, settings: Settings) -> None:
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
    selection = _selection(session, hall, message, settings)
    shown = preview(session, sender, selection, now=at, limit=settings.max_recipients)
    tokens = Tokens(settings.secret_key, sender.id)
    token = tokens.sign(shown.selection, shown.audience) if shown.audience else ""
    draft = Draft(message["subject"], message["body"], selection, token, message["key"])
    send(session, sender, draft, now=at, limit=settings.max_recipients, tokens=tokens, announce=lambda *_: None)


def _selection(session: Session, hall: Hall, message: dict[str, Any], settings: Settings) -> Selection:
    test_id = hall.tests[message["test"]]
    if "candidate" not in message:
        parameters: Iterable[tuple[str, str]] = {"test": str(test_id), **message.get("filter", {})}.items()
        return Selection(parse_filter(MultiDict(parameters), settings.timezone))
    user_id = hall.users[message["candidate"]]
    query = select(Candidacy.id).where(Candidacy.test_id == test_id, Candidacy.user_id == user_id)
    return Selection(Filter(), listed=(session.scalars(query).one(),))
