"""Reading the log: pages, single entries and all rows of a filter, always within somebody's sight (R14, R17)."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, distinct, func, or_, select
from sqlalchemy.orm import Session

from webapp.db.casefold import casefold_contains
from webapp.exceptions import NotFound
from webapp.logbook.filters import LogFilter
from webapp.logbook.sight import Sight, concerning
from webapp.models import LogEntry, LogSubject
from webapp.text.normalization import natural_sort_key

PAGE_SIZE = 50
AT_ONCE = 1000
LARGEST_ID = 2**62
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
    persons: int
    """How many people it concerned, of those the reader may see."""
    name: str
    """The name, where it is one."""
    number: str
    """The candidate ID of that one, or two of them."""
    hidden: int
    """How many more people it concerned."""


@dataclass(frozen=True)
class Page:
    """Fifty lines, newest first."""

    lines: list[Line]
    number: int
    pages: int
    count: int


@dataclass(frozen=True)
class Opened:
    """One entry with everyone it concerned."""

    entry: LogEntry
    detail: dict[str, Any]
    subjects: list[LogSubject]
    hidden: int


def matching(sight: Sight, wanted: LogFilter) -> Select[int]:
    """The numbers of the entries within sight that the filter means: what list, count and export are drawn from."""
    return select(LogEntry.id).where(sight.entries(), *_conditions(sight, wanted))


def _conditions(sight: Sight, wanted: LogFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.since is not None:
        yield LogEntry.at >= wanted.since
    if wanted.until is not None:
        yield LogEntry.at < wanted.until
    if wanted.action:
        yield LogEntry.action == wanted.action
    if wanted.text:
        # other actions carry what strangers typed, which PostgreSQL may refuse to take out of its JSON
        detail = case((LogEntry.action == MESSAGE_SENT, LogEntry.detail), else_="{}")
        yield or_(casefold_contains(detail, wanted.text, "subject"), casefold_contains(detail, wanted.text, "body"))
    if wanted.person:
        # whom the reader may not see must not be found either
        named = or_(
            casefold_contains(LogSubject.name, wanted.person), casefold_contains(LogSubject.number, wanted.person)
        )
        concerned = concerning(and_(sight.subjects(), named))
        typed = json.dumps(wanted.person, ensure_ascii=False)[1:-1]
        account = and_(LogEntry.action.startswith("sign_in."), casefold_contains(LogEntry.detail, typed))
        yield or_(casefold_contains(LogEntry.actor_name, wanted.person), account, concerned)


def page_of(session: Session, sight: Sight, wanted: LogFilter, number: int) -> Page:
    """Page `number` from 1, or the nearest there is."""
    found = matching(sight, wanted)
    count = count_of(session, sight, wanted)
    pages = max(1, -(-count // PAGE_SIZE))
    number = min(number, pages)
    entries = session.scalars(
        found.with_only_columns(LogEntry).order_by(LogEntry.id.desc()).limit(PAGE_SIZE).offset((number - 1) * PAGE_SIZE)
    ).all()
    return Page(_lines(session, sight, entries), number, pages, count)


def _lines(session: Session, sight: Sight, entries: Sequence[LogEntry]) -> list[Line]:
    concerned = _concerned(session, sight, [entry.id for entry in entries])
    nobody = (0, "", "", 0)
    return [Line(entry, json.loads(entry.detail), *concerned.get(entry.id, nobody)) for entry in entries]


def count_of(session: Session, sight: Sight, wanted: LogFilter) -> int:
    """How many entries a filter means."""
    found = matching(sight, wanted)
    return session.scalar(found.with_only_columns(func.count(), maintain_column_froms=True)) or 0


def all_lines(session: Session, sight: Sight, wanted: LogFilter, most: int) -> Iterator[list[Line]]:
    """The lines of all pages, newest first, no more than `most`; a page's worth at a time."""
    below: int | None = None
    while most > 0:
        found = matching(sight, wanted).with_only_columns(LogEntry).order_by(LogEntry.id.desc())
        if below is not None:
            found = found.where(LogEntry.id < below)
        entries = session.scalars(found.limit(min(most, PAGE_SIZE))).all()
        if not entries:
            return
        yield _lines(session, sight, entries)
        below, most = entries[-1].id, most - len(entries)
        session.expunge_all()


def _concerned(session: Session, sight: Sight, ids: list[int]) -> dict[int, tuple[int, str, str, int]]:
    """Entry → persons to be seen, name and candidate ID if it is one, persons not to be seen."""
    seen = case((sight.subjects(), LogSubject.user_id))
    rows = session.execute(
        select(
            LogSubject.entry_id,
            func.count(distinct(seen)),
            func.min(case((sight.subjects(), LogSubject.name))),
            func.min(case((sight.subjects(), LogSubject.number))),
            func.max(case((sight.subjects(), LogSubject.number))),
            func.count(distinct(LogSubject.user_id)),
        )
        .join(LogEntry, LogEntry.id == LogSubject.entry_id)
        .where(LogSubject.entry_id.in_(ids))
        .group_by(LogSubject.entry_id)
    )
    return {
        entry_id: (persons, name, ", ".join(sorted({first, last})), everyone - persons)
        if persons == 1
        else (persons, "", "", everyone - persons)
        for entry_id, persons, name, first, last, everyone in rows
    }


def open_entry(session: Session, sight: Sight, number: int) -> Opened:
    """One entry with everyone in it whom the reader may see. Raises `NotFound` if it is not within sight."""
    entry = None
    if number <= LARGEST_ID:
        entry = session.scalar(select(LogEntry).where(LogEntry.id == number, sight.entries()))
    if entry is None:
        raise NotFound(f"log entry {number}")
    everyone = select(LogSubject).join(LogEntry, LogEntry.id == LogSubject.entry_id)
    subjects = session.scalars(
        everyone.where(LogSubject.entry_id == number, sight.subjects()).order_by(LogSubject.candidacy_id)
    ).all()
    subjects = sorted(subjects, key=lambda subject: (subject.test_title, natural_sort_key(subject.number)))
    total = session.scalar(select(func.count(distinct(LogSubject.user_id))).where(LogSubject.entry_id == number))
    hidden = (total or 0) - len({subject.user_id for subject in subjects})
    return Opened(entry, json.loads(entry.detail), subjects, hidden)


def all_rows(session: Session, sight: Sight, wanted: LogFilter) -> Generator[Any, None, None]:
    """(entry's columns, number, name, test, room): a row per entry and subject within sight, newest entry first.

    An entry without subjects has one row. A few rows are held at a time.
    """
    rows = session.execute(
        select(*ROW_COLUMNS)
        .outerjoin(LogSubject, and_(LogSubject.entry_id == LogEntry.id, sight.subjects()))
        .where(sight.entries(), *_conditions(sight, wanted))
        .order_by(LogEntry.id.desc(), LogSubject.candidacy_id)
        .execution_options(yield_per=AT_ONCE)
    )
    try:
        yield from rows
    finally:
        rows.close()
