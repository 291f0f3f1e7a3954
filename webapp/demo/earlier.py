"""What had been sent and tried before the demo was started, by the same functions that do it for everybody."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from webapp.accounts.exceptions import TooManyTries, WrongPassword
from webapp.accounts.signing_in import sign_in
from webapp.demo.hall import Hall
from webapp.demo.script import EARLIER_MESSAGES, EarlierMessage
from webapp.messaging.audience import Selection, Tokens
from webapp.messaging.composing import preview
from webapp.messaging.sending import Draft, send
from webapp.models import Candidacy, Message, User
from webapp.monitor.filters import Filter, parse_filter

FAILED_SIGN_IN_AGO = timedelta(minutes=30)


def happen(session: Session, hall: Hall, now: datetime, *, zone: ZoneInfo, limit: int, secret_key: str) -> int:
    """Send the earlier messages that were not sent yet; returns how many. Running servers sweep them up."""
    keys = [one.key for one in EARLIER_MESSAGES]
    sent = set(session.scalars(select(Message.idempotency_key).where(Message.idempotency_key.in_(keys))))
    if not sent:
        with suppress(WrongPassword, TooManyTries):
            sign_in(
                session,
                "candidate2",
                "forgotten",
                address="127.0.0.1",
                device_cookie="",
                secret_key=secret_key,
                now=now - FAILED_SIGN_IN_AGO,
            )
    due = [one for one in EARLIER_MESSAGES if one.key not in sent]
    for one in due:
        _send(session, hall, one, now - one.sent_ago, zone, limit, secret_key)
    return len(due)


def _send(
    session: Session, hall: Hall, one: EarlierMessage, at: datetime, zone: ZoneInfo, limit: int, secret_key: str
) -> None:
    sender = session.get_one(User, hall.users[one.sender])
    tokens = Tokens(secret_key, sender.id)
    selection = _selection(session, hall, one, zone)
    shown = preview(session, sender, selection, now=at, limit=limit).audience
    draft = Draft(one.subject, one.body, selection, tokens.seen(selection, shown) if shown else "", one.key)
    send(session, sender, draft, now=at, limit=limit, tokens=tokens, announce=lambda _message, _users: None)


def _selection(session: Session, hall: Hall, one: EarlierMessage, zone: ZoneInfo) -> Selection:
    test_id = hall.tests[one.test]
    if one.candidate is None:
        return Selection(parse_filter(MultiDict([("test", str(test_id)), *one.filter]), zone))
    query = select(Candidacy.id).where(Candidacy.test_id == test_id, Candidacy.user_id == hall.users[one.candidate])
    return Selection(Filter(), listed=(session.scalars(query).one(),))
