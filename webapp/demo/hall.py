"""The sample hall in the database: made once, and set to run again on another day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.orm import Session

from webapp.accounts.passwords import hash_password
from webapp.db.transactions import writing
from webapp.demo.beginnings import beginning_of, story
from webapp.demo.script import (
    ADMINISTRATOR,
    EMAIL_DOMAIN,
    PASSWORD,
    STAFF,
    TESTS,
    DemoTest,
    seats,
)
from webapp.exceptions import Refusal
from webapp.models import Answer, Candidacy, Contribution, Question, Role, Test, User
from webapp.models.people import sign_in_name
from webapp.planning.search_text import refresh_search_text

ENOUGH_LEFT = timedelta(hours=1)
"""With less time left in any of its tests, the hall begins anew."""
NOT_BEGUN = {
    "entered_at": None, "started_at": None, "paused_at": None, "saved_at": None, "submitted_at": None,
    "withdrawn_at": None, "blank": False, "back_at": None, "incident_minutes": 0,
    "last_seen": None, "left_at": None, "flagged": False, "attendance": None, "id_checked": False,
}  # fmt: skip


class NotADemo(Refusal):
    """The database belongs to real people: the demo keeps out of it."""

    status = 409


@dataclass(frozen=True)
class Hall:
    """The hall as it stands in the database: ids by the script's keys and usernames."""

    tests: dict[str, int]
    users: dict[str, int]
    began_anew: bool
    """Whether the tests were made or set to run again by this call."""


def load(session: Session, now: datetime, zone: ZoneInfo, *, allowed: bool) -> Hall:
    """Make the hall, or what is missing of it, so that all its tests run at `now`.

    `allowed` (`EXAMHALL_DEMO=1`) lets it in beside real people. Raises `NotADemo` without it, and in any case where
    an account or a test of the hall's names belongs to somebody else. Real accounts are never touched.
    """
    with writing(session):
        _refuse_real_data(session, allowed=allowed)
        users = _people(session)
        tests = _tests(session, users["planner"], now, zone)
        anew = _set_running(session, tests, now, zone)
        _contributions(session, tests, users)
        new = _candidacies(session, tests, users)
        if anew or new:
            _begin(session, tests, users, now)
    return Hall(tests, users, began_anew=anew or bool(new))


def _refuse_real_data(session: Session, *, allowed: bool) -> None:
    ours = User.email.endswith("@" + EMAIL_DOMAIN, autoescape=True)
    here = session.scalar(select(exists().where(ours)))
    if not here and not allowed and session.scalar(select(exists().where(~ours))):
        raise NotADemo("this database has people in it. Set EXAMHALL_DEMO=1 to have the sample hall beside them.")
    names = [sign_in_name(one) for one in _usernames()]
    taken = session.scalar(select(User.username).where(User.sign_in_name.in_(names), ~ours).limit(1))
    if taken:
        raise NotADemo(f"the account {taken!r} belongs to somebody else.")
    planned_by_us = exists().where(
        Contribution.test_id == Test.id, Contribution.user_id == User.id, Contribution.role == Role.PLANNER, ours
    )
    titles = [one.title for one in TESTS]
    taken = session.scalar(select(Test.title).where(Test.title.in_(titles), ~planned_by_us).limit(1))
    if taken:
        raise NotADemo(f"there is a test {taken!r} that is not the demo's.")


def _usernames() -> dict[str, str]:
    """Username → name of everyone in the hall."""
    staff = {one.username: one.name for one in STAFF}
    return dict([ADMINISTRATOR]) | staff | {seat.username: seat.name for seat in seats()}


def _people(session: Session) -> dict[str, int]:
    """Username → id; whoever is missing is made, all with the one password, hashed once."""
    query = select(User.username, User.id).where(User.email.endswith("@" + EMAIL_DOMAIN, autoescape=True))
    known = dict(session.execute(query).all())
    missing = {username: name for username, name in _usernames().items() if username not in known}
    if not missing:
        return known
    password_hash = hash_password(PASSWORD)
    rows = [
        {
            "username": username,
            "sign_in_name": sign_in_name(username),
            "name": name,
            "email": f"{username}@{EMAIL_DOMAIN}",
            "password_hash": password_hash,
            "is_admin": username == ADMINISTRATOR[0],
        }
        for username, name in missing.items()
    ]
    made = session.execute(insert(User).returning(User.username, User.id), rows)
    return known | dict(made.all())


def _tests(session: Session, planner: int, now: datetime, zone: ZoneInfo) -> dict[str, int]:
    """Key → id; a test that is missing is made with its questions."""
    query = (
        select(Test.title, Test.id)
        .join(Contribution, Contribution.test_id == Test.id)
        .where(Contribution.user_id == planner, Test.title.in_([one.title for one in TESTS]))
    )
    known = dict(session.execute(query).all())
    for one in TESTS:
        if one.title not in known:
            test = Test(title=one.title, **_times(one, now, zone))
            test.questions = [Question(position=n, prompt=text) for n, text in enumerate(one.questions, 1)]
            session.add(test)
            session.flush()
            known[one.title] = test.id
    return {one.key: known[one.title] for one in TESTS}


def _times(one: DemoTest, now: datetime, zone: ZoneInfo) -> dict[str, object]:
    starts_at = (now - one.began_ago).replace(second=0, microsecond=0)
    return {
        "starts_at": starts_at,
        "ends_at": starts_at + one.duration,
        "start_date": starts_at.astimezone(zone).date(),
        "closed_at": None,
    }


def _set_running(session: Session, tests: dict[str, int], now: datetime, zone: ZoneInfo) -> bool:
    """Move the tests to now and their candidates back to the door, unless all of them run for a while yet."""
    running = select(Test.id).where(
        Test.id.in_(tests.values()), Test.starts_at <= now, Test.ends_at >= now + ENOUGH_LEFT, Test.closed_at.is_(None)
    )
    if len(session.scalars(running).all()) == len(TESTS):
        return False
    for one in TESTS:
        session.execute(update(Test).where(Test.id == tests[one.key]).values(**_times(one, now, zone)))
    candidacies = select(Candidacy.id).where(Candidacy.test_id.in_(tests.values()))
    session.execute(delete(Answer).where(Answer.candidacy_id.in_(candidacies)))
    session.execute(update(Candidacy).where(Candidacy.test_id.in_(tests.values())).values(**NOT_BEGUN))
    return True


def _contributions(session: Session, tests: dict[str, int], users: dict[str, int]) -> None:
    known = set(session.execute(select(Contribution.user_id, Contribution.test_id)).all())
    for one in STAFF:
        for key in one.tests:
            pair = (users[one.username], tests[key])
            if pair not in known:
                session.add(Contribution(user_id=pair[0], test_id=pair[1], role=one.role, room=one.room))
    session.flush()


def _candidacies(session: Session, tests: dict[str, int], users: dict[str, int]) -> list[int]:
    """Seat everyone who is not seated; returns the ids of the new candidacies."""
    query = select(Candidacy.test_id, Candidacy.number).where(Candidacy.test_id.in_(tests.values()))
    known = set(session.execute(query).all())
    new = [
        Candidacy(
            user_id=users[seat.username],
            test_id=tests[seat.test],
            number=seat.number,
            group_name=seat.group,
            room=seat.room,
            building=seat.building,
            seat=seat.seat,
            question_set=seat.question_set,
            extra_minutes=seat.extra_minutes,
        )
        for seat in seats()
        if (tests[seat.test], seat.number) not in known
    ]
    if not new:
        return []
    session.add_all(new)
    session.flush()
    ids = [candidacy.id for candidacy in new]
    refresh_search_text(session, ids)
    return ids


def _begin(session: Session, tests: dict[str, int], users: dict[str, int], now: datetime) -> None:
    """Write what some candidates had done before now (`beginnings.py`)."""
    ids = {
        (test_id, number): candidacy_id
        for test_id, number, candidacy_id in session.execute(
            select(Candidacy.test_id, Candidacy.number, Candidacy.id).where(Candidacy.test_id.in_(tests.values()))
        )
    }
    questions = session.scalars(
        select(Question.id).where(Question.test_id == tests["analysis"]).order_by(Question.position)
    ).all()
    for seat in seats():
        if (beginning := beginning_of(seat)) is None:
            continue
        candidacy_id = ids[tests[seat.test], seat.number]
        past = story(beginning, int(seat.number[1:]), now)
        session.execute(update(Candidacy), [{"id": candidacy_id, **past.columns}])
        for question_id, text in zip(questions, past.answers, strict=False):
            session.add(Answer(candidacy_id=candidacy_id, question_id=question_id, text=text, saved_at=past.saved_at))
        if past.last_seen:
            own = Candidacy.user_id == users[seat.username]
            session.execute(update(Candidacy).where(own).values(last_seen=past.last_seen))
