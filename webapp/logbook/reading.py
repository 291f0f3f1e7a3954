"""Reading the log: pages, single entries and all rows of a filter, always within a person's scope (R14, R17, R18)."""

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, and_, case, distinct, func, or_, select, true
from sqlalchemy.orm import Session

from webapp.access import AccessScope, Right, access_scope, is_contributor
from webapp.db.sql import casefold_contains
from webapp.exceptions import BadParameter, NotAllowed, NotFound
from webapp.models import LogEntry, LogSubject, User
from webapp.text.normalization import natural_sort_key

PAGE_SIZE = 50
ROWS_AT_ONCE = 1000
MAX_NUMBER = 2**62
MESSAGE_SENT = "message.sent"
ROW_COLUMNS: tuple[Any, ...] = (
    LogEntry.id, LogEntry.at, LogEntry.actor_name, LogEntry.actor_role, LogEntry.action, LogEntry.detail,
    LogSubject.number, LogSubject.name, LogSubject.test_title, LogSubject.room,
)  # fmt: skip
"""The columns of an entry and of one of its subjects, as files list them."""


class LogScope(NamedTuple):
    """What one person sees of the log, as conditions; a filter narrows the entries.

    Administrators see all of it. Planners and chief invigilators see what concerns their tests, or their room of a
    test. Everyone sees what they did themselves, with everybody whom it concerned.
    """

    entries: ColumnElement[bool]
    subjects: ColumnElement[bool]
    """For a query that joins subjects to their entries."""
    tests: AccessScope


@dataclass(frozen=True)
class Page:
    """Fifty lines (`_lines`), newest first; with its number, and how many pages and entries there are."""

    lines: Sequence[Row[Any]]
    number: int
    pages: int
    count: int


def log_scope(session: Session, actor: User, now: datetime) -> LogScope:
    """What `actor` sees of the log, whether their tests are still open or not.

    Raises `NotAllowed` for a person who neither works in a test nor runs the installation.
    """
    tests = access_scope(session, actor, Right.READ_LOG, now, window=False)
    if not tests and not is_contributor(session, actor):
        raise NotAllowed("candidates have no log")
    if tests.everything:
        return LogScope(true(), true(), tests)
    own = and_(LogEntry.actor_id == actor.id, ~LogEntry.action.startswith("sign_in."))
    in_tests = tests.condition(LogSubject)
    return LogScope(or_(own, concerns(in_tests)) if tests else own, or_(own, in_tests), tests)


def narrow(scope: LogScope, params: dict[str, str], zone: ZoneInfo) -> LogScope:
    """The part of a scope that a filter shows; times are minutes local to `zone`, both included, or `BadParameter`."""
    conditions = [scope.entries]
    if "from" in params:
        conditions.append(LogEntry.at >= _moment(params, "from", zone))
    if "to" in params:
        conditions.append(LogEntry.at < _moment(params, "to", zone))
    if action := params.get("action"):
        conditions.append(LogEntry.action == action)
    if text := params.get("text"):
        conditions.append(_says(text))
    if person := params.get("person"):
        conditions.append(_is_about(scope, person))
    if phrase := params.get("q"):
        conditions.append(or_(_says(phrase), _is_about(scope, phrase)))
    return scope._replace(entries=and_(*conditions))


def count(session: Session, scope: LogScope) -> int:
    """The number of entries in a scope."""
    return session.scalar(select(func.count()).select_from(LogEntry).where(scope.entries)) or 0


def page_of(session: Session, scope: LogScope, number: int) -> Page:
    """Page `number`, counted from 1, or the nearest that exists."""
    total = count(session, scope)
    pages = max(1, -(-total // PAGE_SIZE))
    number = min(number, pages)
    ids = _ids(scope).limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)
    return Page(_lines(session, scope, session.scalars(ids).all()), number, pages, total)


def all_lines(session: Session, scope: LogScope, limit: int) -> Iterator[Row[Any]]:
    """The lines of all pages, newest first, up to `limit`; they are read a page's worth at a time."""
    ids = session.scalars(_ids(scope).limit(limit)).all()
    for first in range(0, len(ids), PAGE_SIZE):
        yield from _lines(session, scope, ids[first : first + PAGE_SIZE])


def entry_details(session: Session, scope: LogScope, number: int) -> tuple[LogEntry, list[LogSubject], int]:
    """One entry, its subjects in scope, and the number of people out of it. Raises `NotFound` if the entry is."""
    query = select(LogEntry).where(LogEntry.id == number, scope.entries)
    entry = session.scalar(query) if number <= MAX_NUMBER else None
    if entry is None:
        raise NotFound(f"log entry {number}")
    of_entry = select(LogSubject).join(LogEntry, LogEntry.id == LogSubject.entry_id).where(LogEntry.id == number)
    subjects = sorted(
        session.scalars(of_entry.where(scope.subjects)),
        key=lambda subject: (subject.test_title, natural_sort_key(subject.number), subject.candidacy_id),
    )
    everybody = session.scalar(of_entry.with_only_columns(func.count(distinct(LogSubject.user_id)))) or 0
    return entry, subjects, everybody - len({subject.user_id for subject in subjects})


def entries_about(session: Session, scope: LogScope, candidacy_id: int, limit: int) -> Sequence[Any]:
    """The newest entries within a scope that are about a candidacy, newest first, without their hashes and subjects."""
    columns = LogEntry.id, LogEntry.at, LogEntry.actor_name, LogEntry.actor_role, LogEntry.action, LogEntry.detail
    query = select(*columns).join(LogSubject, LogSubject.entry_id == LogEntry.id)
    query = query.where(LogSubject.candidacy_id == candidacy_id, scope.subjects)
    return session.execute(query.order_by(LogSubject.entry_id.desc()).limit(limit)).all()


def all_rows(session: Session, scope: LogScope) -> Generator[Any, None, None]:
    """`ROW_COLUMNS` of each entry and subject in scope, newest entry first; one row for an entry without subjects."""
    query = (
        select(*ROW_COLUMNS)
        .outerjoin(LogSubject, and_(LogSubject.entry_id == LogEntry.id, scope.subjects))
        .where(scope.entries)
        .order_by(LogEntry.id.desc(), LogSubject.candidacy_id)
    )
    with closing(session.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})) as rows:
        yield from rows


def _moment(params: dict[str, str], name: str, zone: ZoneInfo) -> datetime:
    """The bound that a local minute sets: its beginning for `from`, its end for `to`."""
    try:
        minute = datetime.fromisoformat(params[name])
        if minute.tzinfo is not None or minute.isoformat(timespec="minutes") != params[name]:
            raise ValueError("not a local minute")
        # of an hour that a clock change repeats, both are included
        local = minute.replace(tzinfo=zone, fold=1 if name == "to" else 0)
        return local.astimezone(UTC) + timedelta(minutes=1 if name == "to" else 0)
    except (ValueError, OverflowError) as error:
        raise BadParameter(name, params[name]) from error


def _says(text: str) -> ColumnElement[bool]:
    """Messages with this in subject or body."""
    # other actions carry what strangers typed, which PostgreSQL may refuse to take out of its JSON
    detail = case((LogEntry.action == MESSAGE_SENT, LogEntry.detail), else_="{}")
    return or_(*(casefold_contains(detail, text, key) for key in ("subject", "body")))


def _is_about(scope: LogScope, person: str) -> ColumnElement[bool]:
    """Entries by or for a person with this in the name, the candidate ID, or a username that was tried."""
    # people outside the scope must not be found either
    named = or_(*(casefold_contains(column, person) for column in (LogSubject.name, LogSubject.number)))
    escaped = json.dumps(person, ensure_ascii=False)[1:-1]
    account = and_(LogEntry.action.startswith("sign_in."), casefold_contains(LogEntry.detail, escaped))
    concerned = concerns(and_(scope.subjects, named))
    return or_(casefold_contains(LogEntry.actor_name, person), account, concerned)


def concerns(subject: ColumnElement[bool]) -> ColumnElement[bool]:
    """Entries with a subject for which the condition holds, also in a query that joins the subjects."""
    return select(LogSubject.entry_id).where(LogSubject.entry_id == LogEntry.id, subject).correlate(LogEntry).exists()


def _ids(scope: LogScope) -> Select[int]:
    return select(LogEntry.id).where(scope.entries).order_by(LogEntry.id.desc())


def _lines(session: Session, scope: LogScope, ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Each entry, newest first, with how many people it concerned in the reader's scope, and how many outside it.

    Of one person `name` is theirs, and `first_number` and `last_number` are candidate IDs. All are None for nobody.
    """
    in_scope = scope.subjects
    persons = func.count(distinct(case((in_scope, LogSubject.user_id))))
    people = (
        select(
            LogSubject.entry_id,
            persons.label("persons"),
            (func.count(distinct(LogSubject.user_id)) - persons).label("hidden"),
            func.min(case((in_scope, LogSubject.name))).label("name"),
            func.min(case((in_scope, LogSubject.number))).label("first_number"),
            func.max(case((in_scope, LogSubject.number))).label("last_number"),
        )
        .join(LogEntry, LogEntry.id == LogSubject.entry_id)
        .where(LogSubject.entry_id.in_(ids))
        .group_by(LogSubject.entry_id)
        .subquery()
    )
    query = select(LogEntry, people).outerjoin(people, people.c.entry_id == LogEntry.id).where(LogEntry.id.in_(ids))
    return session.execute(query.order_by(LogEntry.id.desc())).all()
