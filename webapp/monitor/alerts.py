"""Who asks for help, or has been offline for so long that somebody should go and look: for devices that tell of it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from webapp.db.types import microseconds
from webapp.help_requests.queue import WAITS
from webapp.models import Candidacy, HelpRequest, User
from webapp.models.status import NOW, State, has_state, last_heard
from webapp.monitor.query import View, select_candidacies

ALERT_AFTER = timedelta(minutes=3)
MOST_ALERTS = 50


def asking_for_help(session: Session, view: View) -> Sequence[Row[Any]]:
    """`request`, `name`, `number` and `seat` of those in the list who ask for help and to whom nobody goes."""
    query = select_candidacies(view.scope, view.filter, view.now).join(User, User.id == Candidacy.user_id)
    query = query.join(HelpRequest, HelpRequest.candidacy_id == Candidacy.id)
    query = query.where(WAITS, HelpRequest.claimed_by.is_(None)).order_by(HelpRequest.id.desc()).limit(MOST_ALERTS)
    query = query.add_columns(HelpRequest.id.label("request"), User.name, Candidacy.number, Candidacy.seat)
    return session.execute(query).all()


def long_offline(session: Session, view: View) -> Sequence[Row[Any]]:
    """`id`, `name`, `number`, `seat` and `since` of those in the list who are offline for that long, the last first."""
    query = select_candidacies(view.scope, view.filter, view.now).join(User, User.id == Candidacy.user_id)
    query = query.add_columns(User.name, Candidacy.number, Candidacy.seat, last_heard().label("since"))
    query = query.where(has_state(State.OFFLINE, NOW), last_heard() < view.now - ALERT_AFTER)
    rows = query.order_by(last_heard().desc(), Candidacy.id).limit(MOST_ALERTS)
    return session.execute(rows, {"now": microseconds(view.now)}).all()
