"""Reading the log: pages, single entries and all rows of a filter, always within a person's scope (R14, R17)."""

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, distinct, func, or_, select
from sqlalchemy.orm import Session

from webapp.db.casefold import casefold_contains
from webapp.exceptions import NotFound
from webapp.logbook.filters import LogFilter
from webapp.logbook.scope import LogScope, concerns
from webapp.models import LogEntry, LogSubject
from webapp.text.normalization import natural_sort_key

PAGE_SIZE = 50
ROWS_AT_ONCE = 1000
MAX_NUMBER = 2**62
MESSAGE_SENT = "message.sent"
ROW_COLUMNS: tuple[Any, ...] = (
    LogEntry.id,
    LogEntry.at,
    LogEntry.actor_name,
    LogEntry.actor_role,
    LogEntry.action,
    LogEntry.detail,
    LogSubject.number,
    LogSubject.name,
    LogSubject.test_title,
    LogSubject.room,
)
"""The columns of an entry and of one of its subjects, as files list them."""


@dataclass(frozen=True)
class Line:
    """An entry as a list shows it."""

    entry: LogEntry
    detail: dict[str, Any]
    persons: int = 0
    """How many of the people it concerned are in the reader's scope; name and candidate IDs if it is one."""
    name: str = ""
    number: str = ""
    hidden: int = 0
    """How many people it concerned outside the reader's scope."""


@dataclass(frozen=True)
class Page:
    """Fifty lines, newest first."""

    lines: list[Line]
    number: int
    pages: int
    count: int


@dataclass(frozen=True)
class EntryDetails:
    """One entry with everybody it concerned."""

    entry: LogEntry
    detail: dict[str, Any]
    subjects: list[LogSubject]
    hidden: int


def conditions(scope: LogScope, log_filter: LogFilter) -> Iterator[ColumnElement[bool]]:
    """The conditions for the entries of a filter within a scope: list, count and files use the same."""
    yield scope.entries()
    if log_filter.since is not None:
        yield LogEntry.at >= log_filter.since
    if log_filter.until is not None:
        yield LogEntry.at < log_filter.until
    if action := log_filter.params.get("action"):
        yield LogEntry.action == action
    if text := log_filter.params.get("text"):
        # other actions carry what strangers typed, which PostgreSQL may refuse to take out of its JSON
        detail = case((LogEntry.action == MESSAGE_SENT, LogEntry.detail), else_="{}")
        yield or_(*(casefold_contains(detail, text, key) for key in ("subject", "body")))
    if person := log_filter.params.get("person"):
        # people outside the scope must not be found either
        named = or_(*(casefold_contains(column, person) for column in (LogSubject.name, LogSubject.number)))
        escaped = json.dumps(person, ensure_ascii=False)[1:-1]
        account = and_(LogEntry.action.startswith("sign_in."), casefold_contains(LogEntry.detail, escaped))
        actor = casefold_contains(LogEntry.actor_name, person)
        yield or_(actor, account, concerns(and_(scope.subjects(), named)))


def _entries(scope: LogScope, log_filter: LogFilter) -> Select[LogEntry]:
    return select(LogEntry).where(*conditions(scope, log_filter)).order_by(LogEntry.id.desc())


def count(session: Session, scope: LogScope, log_filter: LogFilter) -> int:
    """The number of entries that match a filter."""
    query = select(func.count()).select_from(LogEntry).where(*conditions(scope, log_filter))
    return session.scalar(query) or 0


def page_of(session: Session, scope: LogScope, log_filter: LogFilter, number: int) -> Page:
    """Page `number`, counted from 1, or the nearest that exists."""
    total = count(session, scope, log_filter)
    pages = max(1, -(-total // PAGE_SIZE))
    number = min(number, pages)
    query = _entries(scope, log_filter).limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)
    return Page(_lines(session, scope, session.scalars(query).all()), number, pages, total)


def all_lines(session: Session, scope: LogScope, log_filter: LogFilter, limit: int) -> Iterator[list[Line]]:
    """The lines of all pages, newest first, up to `limit`; a page's worth at a time."""
    query = _entries(scope, log_filter).limit(limit)
    with closing(session.scalars(query, execution_options={"yield_per": PAGE_SIZE})) as found:
        for entries in found.partitions():
            yield _lines(session, scope, entries)


def _lines(session: Session, scope: LogScope, entries: Sequence[LogEntry]) -> list[Line]:
    """The entries with the number of people they concerned, and the name if it is one."""
    in_scope = scope.subjects()
    query = (
        select(
            LogSubject.entry_id,
            func.count(distinct(case((in_scope, LogSubject.user_id)))).label("persons"),
            func.min(case((in_scope, LogSubject.name))).label("name"),
            func.min(case((in_scope, LogSubject.number))).label("first_number"),
            func.max(case((in_scope, LogSubject.number))).label("last_number"),
            func.count(distinct(LogSubject.user_id)).label("everybody"),
        )
        .join(LogEntry, LogEntry.id == LogSubject.entry_id)
        .where(LogSubject.entry_id.in_([entry.id for entry in entries]))
        .group_by(LogSubject.entry_id)
    )
    concerned: dict[int, tuple[int, str, str, int]] = {}
    for row in session.execute(query):
        name, numbers = (row.name, {row.first_number, row.last_number}) if row.persons == 1 else ("", set())
        concerned[row.entry_id] = row.persons, name, ", ".join(sorted(numbers)), row.everybody - row.persons
    return [Line(entry, json.loads(entry.detail), *concerned.get(entry.id, ())) for entry in entries]


def entry_details(session: Session, scope: LogScope, number: int) -> EntryDetails:
    """One entry with everybody in it who is in scope. Raises `NotFound` if the entry is not."""
    query = select(LogEntry).where(LogEntry.id == number, scope.entries())
    entry = session.scalar(query) if number <= MAX_NUMBER else None
    if entry is None:
        raise NotFound(f"log entry {number}")
    of_entry = select(LogSubject).join(LogEntry, LogEntry.id == LogSubject.entry_id).where(LogEntry.id == number)
    subjects = sorted(
        session.scalars(of_entry.where(scope.subjects())),
        key=lambda subject: (subject.test_title, natural_sort_key(subject.number), subject.candidacy_id),
    )
    everybody = session.scalar(of_entry.with_only_columns(func.count(distinct(LogSubject.user_id)))) or 0
    hidden = everybody - len({subject.user_id for subject in subjects})
    return EntryDetails(entry, json.loads(entry.detail), subjects, hidden)


def all_rows(session: Session, scope: LogScope, log_filter: LogFilter) -> Generator[Any, None, None]:
    """`ROW_COLUMNS` of each entry and subject in scope, newest entry first; one row for an entry without subjects."""
    query = (
        select(*ROW_COLUMNS)
        .outerjoin(LogSubject, and_(LogSubject.entry_id == LogEntry.id, scope.subjects()))
        .where(*conditions(scope, log_filter))
        .order_by(LogEntry.id.desc(), LogSubject.candidacy_id)
    )
    with closing(session.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})) as rows:
        yield from rows
