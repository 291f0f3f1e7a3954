"""Presence: who was seen, held in memory and written in one batch every five seconds (R21)."""

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
from webapp.push.hub import Hub
from webapp.push.sessions import ended_among

FLUSH_SECONDS = 5.0
GRACE = timedelta(seconds=5)
"""Every page change closes a stream: its person has this long to open another before counting as gone."""
FOLLOWED = timedelta(days=32)
"""How long after a test's end `last_seen` is still written for its candidates."""

OnReconnect = Callable[[Session, list[int], datetime], None]
"""Is told which people were away for long and are back, and since when."""


class PresenceRecorder:
    """Who was seen or left in one process since its last batch."""

    def __init__(self, hub: Hub, on_reconnect: OnReconnect) -> None:
        self._hub = hub
        self._on_reconnect = on_reconnect
        self._started_at: datetime | None = None
        self._last_seen_before_start: datetime | None = None
        self._seen: dict[int, datetime] = {}
        self._pinged: dict[SessionClaims, datetime] = {}
        """Sessions of pings, which are not checked in the database: each batch checks all of them."""
        self._since: datetime | None = None
        """When the first entry of the batch was made: long ago if the database was away."""
        self._left: dict[int, datetime] = {}
        self._lock = threading.Lock()

    def start(self, session: Session, now: datetime) -> None:
        """Read when anybody was last seen before this process started: a server that is down sees nobody."""
        self._started_at, self._last_seen_before_start = now, session.scalar(select(func.max(Candidacy.last_seen)))

    def seen(self, user_id: int, now: datetime) -> None:
        """Count a person as seen: by a request, a poll, a stream."""
        with self._lock:
            self._seen[user_id] = max(now, self._seen.get(user_id, now))
            self._since = self._since or now
            self._left.pop(user_id, None)

    def pinged(self, claims: SessionClaims, now: datetime) -> bool:
        """Count a session's person as seen; False if this process knows that the session has ended."""
        if self._hub.has_ended(claims):
            return False
        with self._lock:
            self._pinged[claims] = now
            self._since = self._since or now
        return True

    def left(self, user_id: int, now: datetime) -> None:
        """Note that a person's last stream in this process was closed."""
        with self._lock:
            self._left[user_id] = now

    def flush(self, session: Session, now: datetime) -> None:
        """Write the batch in one transaction. If that fails, the next batch contains it.

        `on_reconnect` runs inside the same transaction.
        """
        with self._lock:
            seen, self._seen = self._seen, {}
            pinged, self._pinged = self._pinged, {}
            since, self._since = self._since, None
            left = {
                user_id: at
                for user_id, at in self._left.items()
                if now - at >= GRACE and not self._hub.is_open(user_id)
            }
            for user_id in left:
                del self._left[user_id]
        try:
            self._write(session, self._with_pings(session, seen, pinged), left, since)
        except BaseException:
            with self._lock:
                self._seen = {**seen, **self._seen}
                self._pinged = {**pinged, **self._pinged}
                self._since = since or self._since
                self._left = {**left, **self._left}
            raise

    def _with_pings(
        self, session: Session, seen: dict[int, datetime], pinged: dict[SessionClaims, datetime]
    ) -> dict[int, datetime]:
        """Those seen, and those who pinged in a session that still counts."""
        ended = ended_among(session, pinged) if pinged else set()
        everyone = dict(seen)
        for claims, at in pinged.items():
            if claims in ended:
                self._hub.remember_end(claims.user_id, claims.session_id)
            else:
                everyone[claims.user_id] = max(at, everyone.get(claims.user_id, at))
        return everyone

    def _write(
        self, session: Session, seen: dict[int, datetime], left: dict[int, datetime], since: datetime | None
    ) -> None:
        if not seen and not left:
            return
        with writing(session):
            back = self._reconnected(session, seen, since)
            _write_later(session, "last_seen", seen)
            _write_later(session, "left_at", left)
            if back:
                self._on_reconnect(session, back, min(seen.values()))
        metrics.PRESENCE_BATCH.observe(len(seen) + len(left))

    def _reconnected(self, session: Session, seen: dict[int, datetime], since: datetime | None) -> list[int]:
        """Those seen who were away for long before, through no fault of the server.

        People who were online when a server or database went away, and are back as soon as it is, were not away.
        """
        if not seen or since is None:
            return []
        earliest = min(since, *seen.values())
        away = and_(~is_online(earliest), away_for_long_until(earliest))
        if self._started_at and self._last_seen_before_start and earliest <= self._started_at + OFFLINE_AFTER:
            away = and_(away, ~is_online(self._last_seen_before_start))
        was_here = Candidacy.last_seen.is_not(None)
        people = select(Candidacy.user_id).where(id_in(Candidacy.user_id, seen), was_here, away).distinct()
        return list(session.scalars(people))


def _write_later(session: Session, column: str, moments: dict[int, datetime]) -> None:
    """Set `last_seen` or `left_at` in all candidacies of these people, where the stored moment is not later: another
    process may have seen the person since.

    `left_at` is never cleared: it counts only while it is later than `last_seen`. Unknown user ids are ignored:
    `/ping` trusts the cookie without asking the database.
    """
    if not moments:
        return
    batch = json.dumps([(user_id, microseconds(at)) for user_id, at in moments.items()])
    statement = _later_of(session.get_bind().dialect.name, column)
    followed = min(moments.values()) - FOLLOWED
    session.connection().execute(statement, {"batch": batch, "followed": followed})


@cache
def _later_of(dialect: str, column: str) -> Any:
    """The statement for a batch, which is one parameter of JSON."""
    user_id, at = (type_coerce(one, BigInteger) for one in _pair(dialect))
    heard = select(user_id.label("user_id"), at.label("at")).cte("heard")
    stored = type_coerce(Candidacy.last_seen if column == "last_seen" else Candidacy.left_at, BigInteger)
    # locked in the order of ids, so that two processes never deadlock
    mine = (
        select(Candidacy.id, heard.c.at)
        .join(heard, heard.c.user_id == Candidacy.user_id)
        .join(Test, Test.id == Candidacy.test_id)
        .where(Test.ends_at > bindparam("followed", type_=UtcDateTime), or_(stored.is_(None), stored < heard.c.at))
        .order_by(Candidacy.id)
        .with_for_update(of=Candidacy, key_share=True)
        .cte("mine")
    )
    # someone who left before a first batch was written has been here
    values = {
        column: mine.c.at,
        "last_seen": mine.c.at if column == "last_seen" else func.coalesce(Candidacy.last_seen, mine.c.at),
    }
    later = or_(stored.is_(None), stored < mine.c.at)
    return update(Candidacy).where(Candidacy.id == mine.c.id, later).values(values)


def _pair(dialect: str) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """User id and moment of each element of the parameter `batch`."""
    batch = bindparam("batch", type_=Text)
    if dialect == "sqlite":
        pair = func.json_each(batch).table_valued("value").c.value
        return func.json_extract(pair, "$[0]"), func.json_extract(pair, "$[1]")
    pair = func.json_array_elements(cast(batch, postgresql.JSON)).column_valued("pair")
    return cast(pair.op("->>")(0), BigInteger), cast(pair.op("->>")(1), BigInteger)
