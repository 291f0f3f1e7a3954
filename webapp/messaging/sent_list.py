"""The list of what was sent to candidates whom a person may see: pages, newest first, filtered by its address (R18)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, distinct, exists, func, or_, select
from sqlalchemy.orm import Session, aliased
from werkzeug.datastructures import MultiDict

from webapp.access import AccessScope
from webapp.db.types import MAX_ID
from webapp.exceptions import BadParameter
from webapp.messaging.corrections import is_outranked
from webapp.models import Candidacy, Contribution, LogHead, LogSubject, Message, Test, User
from webapp.monitor.words import test_in_words
from webapp.text.characters import is_filter_text
from webapp.text.normalization import natural_sort_key

PAGE_SIZE = 50
MAX_OFFERED = 200
"""Tests, rooms and senders in one menu."""
ID = re.compile(r"[1-9][0-9]{0,9}")


@dataclass(frozen=True)
class Wanted:
    """What an address asks for."""

    test: int | None = None
    room: str = ""
    sender: int | None = None
    page: int = 1

    def params(self) -> dict[str, str]:
        """The filter as an address has it."""
        values = {"test": self.test, "room": self.room, "sender": self.sender}
        return {name: str(value) for name, value in values.items() if value}


class Place(NamedTuple):
    """Where a message went: a room of a test, as they were called then."""

    test_id: int
    test: str
    room: str
    persons: int


@dataclass(frozen=True)
class Line:
    """A message in the list."""

    message: Message
    corrected_at: datetime | None
    """When it was last corrected."""
    persons: int
    """Within the reader's reach, and in the test and room that they look at; each counted once (R5)."""
    places: list[Place]

    @property
    def tests(self) -> dict[int, str]:
        """Id → title of the tests that it went to."""
        return {place.test_id: place.test for place in self.places}

    def actions(self, reader: User, writable: AccessScope) -> set[str]:
        """What the line offers to somebody who may write within `writable`: `again`, `correct`.

        It goes by the tests alone, so that fifty lines cost no statement. The sheet looks at each person.
        """
        role = writable.highest_role(set(self.tests))
        if role is None:
            return set()
        is_final = self.message.withdrawn_at is not None or is_outranked(self.message, reader, role)
        return {"again"} if is_final else {"again", "correct"}


@dataclass(frozen=True)
class SentList:
    """A page of the list; `rows` come from one statement, so that an unchanged page costs no more."""

    wanted: Wanted
    reach: ColumnElement[bool]
    """On the subjects of a message: whom of them the list is about."""
    rows: Sequence[Any] = field(repr=False)
    """(message, when it was corrected)."""
    has_more: bool

    @property
    def state(self) -> list[tuple[int, datetime | None, datetime | None]]:
        """Equal for two pages that show the same, to the same person with the same rights."""
        return [(message.id, message.withdrawn_at, corrected_at) for message, corrected_at in self.rows]

    def lines(self, session: Session) -> Iterator[Line]:
        """The rows with whom they went to."""
        ids = [message.id for message, _ in self.rows]
        of_page = LogSubject.entry_id.in_(ids), self.reach
        place = LogSubject.entry_id, LogSubject.test_id, LogSubject.test_title, LogSubject.room
        places: dict[int, list[Place]] = defaultdict(list)
        for row in session.execute(select(*place, func.count()).where(*of_page).group_by(*place)):
            places[row[0]].append(Place(*row[1:]))
        several = [number for number, there in places.items() if len({place.test_id for place in there}) > 1]
        persons = select(LogSubject.entry_id, func.count(distinct(LogSubject.user_id))).group_by(LogSubject.entry_id)
        in_several = LogSubject.entry_id.in_(several), self.reach
        counted = dict(session.execute(persons.where(*in_several)).all()) if several else {}
        for message, corrected_at in self.rows:
            there: list[Place] = sorted(
                places[message.id], key=lambda place: (place.test, natural_sort_key(place.room))
            )
            total = counted.get(message.id, sum(place.persons for place in there))
            yield Line(message, corrected_at, total, there)


@dataclass(frozen=True)
class Offers:
    """What the list can be filtered by: (value, words)."""

    tests: list[tuple[int, str]]
    rooms: list[tuple[str, str]]
    senders: list[tuple[int, str]]


def parse_wanted(args: MultiDict[str, str]) -> Wanted:
    """Read an address; blank values are no filter. Raises `BadParameter` for what is unknown or there twice (R6)."""
    values: dict[str, Any] = {}
    for name, texts in args.lists():
        if name not in ("test", "room", "sender", "page"):
            raise BadParameter(name)
        if len(texts) > 1:
            raise BadParameter(name, texts[1])
        (text,) = texts
        if not text:
            continue
        if name != "room" and (not ID.fullmatch(text) or int(text) > MAX_ID):
            raise BadParameter(name, text)
        if not is_filter_text(text):
            raise BadParameter(name, text)
        values[name] = text if name == "room" else int(text)
    return Wanted(**values)


def log_position(session: Session) -> int:
    """The number of the newest log entry. While it stays, no message is sent, corrected or withdrawn."""
    return session.scalar(select(LogHead.number)) or 0


def load_sent_list(session: Session, scope: AccessScope, wanted: Wanted) -> SentList:
    """A page of what was sent to candidates within `scope`. Raises `BadParameter` as `check_wanted`."""
    check_wanted(session, scope, wanted)
    reach = scope.condition(LogSubject)
    if wanted.test is not None:
        reach = reach & (LogSubject.test_id == wanted.test)
    if wanted.room:
        reach = reach & (LogSubject.room == wanted.room)
    correction = aliased(Message)
    corrected_at = (
        select(func.max(correction.sent_at))
        .where(correction.corrects_id == Message.id)
        .correlate(Message)
        .scalar_subquery()
        .label("corrected_at")
    )
    query = select(Message, corrected_at).order_by(Message.id.desc())
    if wanted.sender is not None:
        query = query.where(Message.sender_id == wanted.sender)
    if not scope.everything or wanted.test is not None or wanted.room:
        query = query.where(_concerns(reach))
    rows = session.execute(query.limit(PAGE_SIZE + 1).offset((wanted.page - 1) * PAGE_SIZE)).all()
    return SentList(wanted, reach, rows[:PAGE_SIZE], has_more=len(rows) > PAGE_SIZE)


def _concerns(reach: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(LogSubject.entry_id == Message.id, reach).correlate(Message)


def check_wanted(session: Session, scope: AccessScope, wanted: Wanted) -> None:
    """Refuse a test, room or sender that nobody within `scope` has (R6). Raises `BadParameter`."""
    if wanted.test is not None and not _is_there(
        session, select(Test.id), Test.id == wanted.test, scope.test_condition()
    ):
        raise BadParameter("test", str(wanted.test))
    in_room = scope.condition(), Candidacy.room == wanted.room
    is_own_room = not wanted.room or wanted.room in scope.rooms.values()
    if not is_own_room and not _is_there(session, select(Candidacy.id), *in_room):
        raise BadParameter("room", wanted.room)
    if wanted.sender is not None:
        of_sender = Message.sender_id == wanted.sender, _concerns(scope.condition(LogSubject))
        in_tests = Contribution.user_id == wanted.sender, scope.test_condition(Contribution.test_id)
        works_there = _is_there(session, select(Contribution.id), *in_tests)
        if not works_there and not _is_there(session, select(Message.id), *of_sender):
            raise BadParameter("sender", str(wanted.sender))


def _is_there(session: Session, query: Select[int], *conditions: ColumnElement[bool]) -> bool:
    return session.scalar(query.where(*conditions).limit(1)) is not None


def load_offers(session: Session, scope: AccessScope, wanted: Wanted) -> Offers:
    """The tests of a scope, the latest first; rooms of those that are open, or of the one looked at; senders.

    What is wanted is always there, however many others there are.
    """
    tests = select(Test.id, Test.title, Test.start_date).where(scope.test_condition())
    in_order = (Test.id == wanted.test).desc(), Test.starts_at.desc(), Test.id
    found = session.execute(tests.order_by(*in_order).limit(MAX_OFFERED)).all()
    titles = [test.title for test in found]
    shown = scope.open_tests if wanted.test is None else {wanted.test}
    rooms = select(Candidacy.room).where(scope.condition(), Candidacy.test_id.in_(shown)).distinct().limit(MAX_OFFERED)
    names = {*session.scalars(rooms), wanted.room} - {""}
    return Offers(
        tests=[(test.id, test_in_words(test.title, test.start_date, titles)) for test in found],
        rooms=[(room, room) for room in sorted(names, key=natural_sort_key)],
        senders=[(user.id, user.name) for user in session.execute(_senders(scope, wanted).limit(MAX_OFFERED))],
    )


def _senders(scope: AccessScope, wanted: Wanted) -> Select[int, str]:
    """Those who work in the tests of a scope and have sent a message, by name."""
    works_there = User.id.in_(select(Contribution.user_id).where(scope.test_condition(Contribution.test_id)))
    has_sent = exists().where(Message.sender_id == User.id)
    is_wanted = User.id == wanted.sender
    senders = select(User.id, User.name).where(or_(and_(works_there, has_sent), is_wanted))
    return senders.order_by(is_wanted.desc(), User.name, User.id)
