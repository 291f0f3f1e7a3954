"""Answers: a message that is joined to a request for help, and claims it where nobody has (R31)."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import Right, access_scope
from webapp.exceptions import BadParameter
from webapp.help_requests.queue import write_claim
from webapp.logbook.append import lock_head
from webapp.models import Candidacy, HelpRequest, Role, User


def check_answer(session: Session, request_id: int, candidacy_ids: Collection[int]) -> HelpRequest:
    """The request that a message to these candidacies answers.

    Raises `BadParameter` for one of anybody else, and where others would be told that theirs was answered.
    """
    help_request = session.get(HelpRequest, request_id)
    if help_request is None or set(candidacy_ids) != {help_request.candidacy_id}:
        raise BadParameter("help_request", str(request_id))
    return help_request


def claim_by_answer(session: Session, help_request: HelpRequest, sender: User, role: Role, now: datetime) -> None:
    """Note that the sender of an answer takes care of it, unless somebody does, within their transaction."""
    if help_request.ended_at is None and help_request.claimed_by is None:
        write_claim(session, lock_head(session), help_request, sender, role, now)


def answered_request(session: Session, reader: User, request_id: int, now: datetime) -> HelpRequest | None:
    """The request that a form answers, as far as its sender may send to the candidate."""
    scope = access_scope(session, reader, Right.SEND, now)
    query = select(HelpRequest).join(Candidacy, Candidacy.id == HelpRequest.candidacy_id)
    return session.scalar(query.where(HelpRequest.id == request_id, scope.condition()))
