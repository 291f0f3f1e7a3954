"""Presence: who was heard of, kept in memory and written in one batch every five seconds (R21)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, and_, bindparam, cast, func, or_, select, type_coerce, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from webapp import metrics
from webapp.db.sql import id_in
from webapp.db.transactions import writing
from webapp.db.types import UtcDateTime, microseconds
from webapp.models import Candidacy, SessionClaims, Test
from webapp.models.status import OFFLINE_AFTER, away_for_long_until, is_online
from webapp.push.known_ends import KnownEnds
from webapp.push.sessions import ended_of

FLUSH_SECONDS = 5.0
GRACE = timedelta(seconds=5)
"""A stream that closes says little (every page change closes one): its person has this long to come back."""
FOLLOWED = timedelta(days=32)
"""How long after a test's end its list still says when somebody was last seen: years of old tests are not written."""

OnReconnect = Callable[[Session, list[int], datetime], None]
"""Hears of people who were away for long and have come back, and when."""


class PresenceRecorder:
    """What one process has heard since its last batch."""

    def __init__(
        self, is_open: Callable[[int], bool], on_reconnect: OnReconnect, ends: KnownEnds | None = None
    ) -> None:
        self._is_open = is_open
        self._came_back = on_reconnect
        self._started_at: datetime | None = None
        self._heard_until: datetime | None = None
        self._ends = KnownEnds() if ends is None else ends
        self._seen: dict[int, datetime] = {}
        self._pinged: dict[SessionClaims, datetime] = {}
        """Sessions that were heard of and not looked up: whether they count, each batch asks for all of them."""
        self._since: datetime | None = None
        """When the first of those was heard of who are not written yet: long ago if the database was away."""
        self._left: dict[int, datetime] = {}
        self._lock = threading.Lock()

    def start(self, session: Session, now: datetime) -> None:
        """Note until when anybody was heard of before this process began: a server that was down hears nobody."""
        self._started_at, self._heard_until = now, session.scalar(select(func.max(Candidacy.last_seen)))

    def seen(self, user_id: int, now: datetime) -> None:
        """Somebody was heard of: a request, a ping, a poll."""
        with self._lock:
            self._seen[user_id] = max(now, self._seen.get(user_id, now))
            self._since = self._since or now
            self._left.pop(user_id, None)

    def pinged(self, kept: SessionClaims, now: datetime) -> bool:
        """A session was heard of, as its cookie has it; False if it is known to have ended: then nobody was."""
        if kept in self._ends:
            return False
        with self._lock:
            self._pinged[kept] = now
            self._since = self._since or now
        return True

    def _look_up(self, session: Session) -> None:
        """Count those who pinged as seen, unless their session has ended."""
        with self._lock:
            pinged, self._pinged = self._pinged, {}
        if not pinged:
            return
        try:
            ended = ended_of(session, pinged)
        except BaseException:
            with self._lock:
                self._pinged = {**pinged, **self._pinged}
            raise
        for kept, at in pinged.items():
            if kept in ended:
                self._ends.find(kept)
            else:
                self.seen(kept.user_id, at)

    def left(self, user_id: int, now: datetime) -> None:
        """Somebody's last stream here was closed."""
        with self._lock:
            self._left[user_id] = now

    def flush(self, session: Session, now: datetime) -> None:
        """Write the batch in one transaction; if that fails, keep it for the next time.

        People who were away for long until now are told to `on_reconnect` inside the same transaction.
        """
        self._look_up(session)
        with self._lock:
            seen, self._seen = self._seen, {}
            since, self._since = self._since, None
            gone = {
                user_id: at for user_id, at in self._left.items() if now - at >= GRACE and not self._is_open(user_id)
            }
            for user_id in gone:
                del self._left[user_id]
        if not seen and not gone:
            return
        try:
            self._write(session, seen, gone, since)
        except BaseException:
            with self._lock:
                self._seen = {**seen, **self._seen}
                self._since = since or self._since
                self._left = {**gone, **self._left}
            raise
        metrics.PRESENCE_BATCH.observe(len(seen) + len(gone))

    def _write(
        self, session: Session, seen: dict[int, datetime], gone: dict[int, datetime], since: datetime | None
    ) -> None:
        with writing(session):
            back = self._returning(session, seen, since)
            _write_later(session, "last_seen", seen)
            _write_later(session, "left_at", gone)
            if back:
                self._came_back(session, back, min(seen.values()))

    def _returning(self, session: Session, seen: dict[int, datetime], since: datetime | None) -> list[int]:
        """Of those seen, the people who had been away by themselves for long until then.

        Whoever was online when the server was last heard, and is back as soon as it is, was not away. Nor was whoever
        was online when a database that was away for a while took the last batch.
        """
        if not seen or since is None:
            return []
        earliest = min(since, *seen.values())
        away = and_(~is_online(earliest), away_for_long_until(earliest))
        if self._started_at and self._heard_until and earliest <= self._started_at + OFFLINE_AFTER:
            away = and_(away, ~is_online(self._heard_until))
        was_here = Candidacy.last_seen.is_not(None)
        people = select(Candidacy.user_id).where(id_in(Candidacy.user_id, seen), was_here, away).distinct()
        return list(session.scalars(people))


def _write_later(session: Session, column: str, moments: dict[int, datetime]) -> None:
    """Set one column for all attempts of these people.

    A later moment than the stored one wins: another process may have heard of the person since. `left_at` is never
    taken back: it stops counting as soon as `last_seen` is later. Of a number that belongs to nobody nothing is
    written: `/ping` believes the cookie, whose person may be gone, or another database's.
    """
    if not moments:
        return
    batch = json.dumps([(user_id, microseconds(at)) for user_id, at in moments.items()])
    statement = _later_of(session.get_bind().dialect.name, column)
    followed = min(moments.values()) - FOLLOWED
    session.connection().execute(statement, {"batch": batch, "followed": followed})


@cache
def _later_of(dialect: str, column: str) -> Any:
    """The statement for a whole batch, which is one parameter: a thousand people would be a thousand statements."""
    user_id, at = (type_coerce(one, BigInteger) for one in _pair(dialect))
    heard = select(user_id.label("user_id"), at.label("at")).cte("heard")
    stored = type_coerce(Candidacy.last_seen if column == "last_seen" else Candidacy.left_at, BigInteger)
    # locked in the order of numbers: two processes that wait for each other's rows never do so in a circle
    mine = (
        select(Candidacy.id, heard.c.at)
        .join(heard, heard.c.user_id == Candidacy.user_id)
        .join(Test, Test.id == Candidacy.test_id)
        .where(Test.ends_at > bindparam("followed", type_=UtcDateTime), or_(stored.is_(None), stored < heard.c.at))
        .order_by(Candidacy.id)
        .with_for_update(of=Candidacy, key_share=True)
        .cte("mine")
    )
    # who leaves before anybody wrote that they were here, was here
    values = {
        column: mine.c.at,
        "last_seen": mine.c.at if column == "last_seen" else func.coalesce(Candidacy.last_seen, mine.c.at),
    }
    later = or_(stored.is_(None), stored < mine.c.at)
    return update(Candidacy).where(Candidacy.id == mine.c.id, later).values(values)


def _pair(dialect: str) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Person and moment of each one of the parameter `batch`."""
    batch = bindparam("batch", type_=Text)
    if dialect == "sqlite":
        pair = func.json_each(batch).table_valued("value").c.value
        return func.json_extract(pair, "$[0]"), func.json_extract(pair, "$[1]")
    pair = func.json_array_elements(cast(batch, postgresql.JSON)).column_valued("pair")
    return cast(pair.op("->>")(0), BigInteger), cast(pair.op("->>")(1), BigInteger)
