"""Presence: who was seen, held in memory and written in one batch every five seconds (R21)."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import JSON, BigInteger, Integer, bindparam, case, cast, column, func, select, type_coerce, update
from sqlalchemy.orm import Session

from webapp import metrics
from webapp.db.sql import id_in
from webapp.db.transactions import writing
from webapp.db.types import UtcDateTime, microseconds
from webapp.models import Candidacy, EndedSession, SessionClaims, Test, User
from webapp.models.status import OFFLINE_AFTER, absent_since, is_online, was_away_until
from webapp.push.events import SignOut
from webapp.push.hub import Hub
from webapp.push.sessions import sign_outs

FLUSH_SECONDS = 5.0
GRACE = timedelta(seconds=5)
"""Every page change closes a stream: its person has this long to open another before counting as gone."""
FOLLOWED = timedelta(days=32)
"""How long after a test's end `last_seen` is still written for its candidates."""


class Return(NamedTuple):
    """A candidacy in progress whose person is back after a long absence."""

    candidacy_id: int
    since: datetime
    """When the person was last heard of before."""
    until: datetime


OnReturn = Callable[[Session, list[Return]], None]
"""Is told of them within the batch's transaction, when their rows are locked."""

_entry = func.json_each(bindparam("batch", type_=JSON)).table_valued("key", column("value", JSON))
_seen, _left = (cast(_entry.c.value[place].as_string(), BigInteger) for place in (0, 1))
_last_seen, _left_at = (type_coerce(stored, BigInteger) for stored in (Candidacy.last_seen, Candidacy.left_at))
_locked = (
    select(Candidacy.id, _seen.label("seen"), _left.label("left"))
    .join(Test, Test.id == Candidacy.test_id)
    .join(_entry, cast(_entry.c.key, Integer) == Candidacy.user_id)
    .where(Test.ends_at > bindparam("followed", type_=UtcDateTime))
    .order_by(Candidacy.id)  # so that two processes never deadlock
    .with_for_update(of=Candidacy, key_share=True)
    .cte("locked")
)
_new = _locked.c
WRITE_BATCH = (
    update(Candidacy)
    .where(Candidacy.id == _new.id)
    .values(
        # someone who left before a first batch was written has been here
        last_seen=case((_last_seen >= _new.seen, _last_seen), else_=func.coalesce(_new.seen, _last_seen, _new.left)),
        left_at=case((_left_at >= _new.left, _left_at), else_=func.coalesce(_new.left, _left_at)),
    )
)
"""Sets `last_seen` and `left_at` in all candidacies of the people in `batch`, user id → the two moments or None.

A later stored moment stays: another process has seen the person since. `left_at` counts only if it is the later one.
"""


class PresenceRecorder:
    """Who was seen or left in one process since its last batch."""

    def __init__(self, hub: Hub, on_return: OnReturn) -> None:
        self._hub = hub
        self._on_return = on_return
        self._started_at: datetime | None = None
        self._last_seen_before_start: datetime | None = None
        self._seen: dict[SessionClaims, datetime] = {}
        self._since: datetime | None = None
        """When the first entry of the batch was made: long ago if the database was away."""
        self._left: dict[int, datetime] = {}
        self._lock = threading.Lock()

    def start(self, session: Session, now: datetime) -> None:
        """Read when anybody was last seen before this process started: a server that is down sees nobody."""
        self._started_at, self._last_seen_before_start = now, session.scalar(select(func.max(Candidacy.last_seen)))

    def seen(self, claims: SessionClaims, now: datetime) -> None:
        """Count a session's person as seen, by a request, a ping, a stream. The batch leaves out ended sessions."""
        with self._lock:
            self._seen[claims] = max(now, self._seen.get(claims, now))
            self._since = self._since or now

    def left(self, user_id: int, now: datetime) -> None:
        """Note that a person's last stream in this process was closed."""
        with self._lock:
            self._left[user_id] = now

    def flush(self, session: Session, now: datetime) -> None:
        """Write the batch in one transaction. If that fails, the next batch contains it."""
        with self._lock:
            seen, since = dict(self._seen), self._since or now
            gone = {user_id: at for user_id, at in self._left.items() if now - at >= GRACE}
        left = {user_id: at for user_id, at in gone.items() if not self._hub.is_open(user_id)}
        if not seen and not left:
            return
        people = self._of_people(session, seen)
        batch = {
            user_id: [at and microseconds(at) for at in (people.get(user_id), left.get(user_id))]
            for user_id in people.keys() | left.keys()
        }
        with writing(session):
            returns = self._returns(session, people, min(since, *people.values()), now) if people else []
            session.connection().execute(WRITE_BATCH, {"batch": batch, "followed": now - FOLLOWED})
            if returns:
                self._on_return(session, returns)
        metrics.PRESENCE_BATCH.observe(len(batch))
        with self._lock:  # what has come meanwhile waits for the next batch
            self._seen = dict(self._seen.items() - seen.items())
            self._left = dict(self._left.items() - left.items())
            self._since = min(self._seen.values(), default=None)

    def _of_people(self, session: Session, seen: dict[SessionClaims, datetime]) -> dict[int, datetime]:
        """When people were last seen in a session that still counts. The other sessions end in this process too."""
        user_ids = {claims.user_id for claims in seen}
        epochs = set(session.execute(select(User.id, User.epoch).where(id_in(User.id, user_ids))))
        ended = sign_outs(session, id_in(EndedSession.user_id, user_ids))
        people: dict[int, datetime] = {}
        for claims, at in seen.items():
            sign_out = SignOut(claims.user_id, claims.session_id)
            if (claims.user_id, claims.epoch) not in epochs or sign_out in ended:
                self._hub.dispatch(sign_out)
            else:
                people[claims.user_id] = max(at, people.get(claims.user_id, at))
        return people

    def _returns(
        self, session: Session, people: dict[int, datetime], earliest: datetime, now: datetime
    ) -> list[Return]:
        """Of those seen from `earliest` on, who were away for long before. People who were online when a server or
        database went away, and are back as soon as it is, were not away.
        """
        away = ~is_online(earliest) & was_away_until(earliest) & (Test.ends_at > now - FOLLOWED)
        if self._started_at and self._last_seen_before_start and earliest <= self._started_at + OFFLINE_AFTER:
            away &= ~is_online(self._last_seen_before_start)
        query = select(Candidacy.id, absent_since(), Candidacy.user_id).join(Test, Test.id == Candidacy.test_id)
        rows = session.execute(query.where(id_in(Candidacy.user_id, people), away))
        return [Return(candidacy_id, since, people[user_id]) for candidacy_id, since, user_id in rows]
