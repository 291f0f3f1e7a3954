"""The candidate's side: ask for help, take it back, and how a request ends by itself (R31).

Every step locks the head of the log first, then the candidacy, as staff do: of two that meet, the second one sees what
the first has done.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from webapp.access import ENTRY_BEFORE_START
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.exceptions import NotFound
from webapp.help_requests.exceptions import AlreadyAsked, BadRequestForHelp, CannotAsk
from webapp.help_requests.kinds import kinds_of
from webapp.logbook.append import Actor, Head, append, lock_head, write_subjects
from webapp.models import Candidacy, HelpRequest, Test, User
from webapp.text.characters import find_unusable_character
from webapp.text.normalization import is_blank

TEXT_LIMIT = 300
"""Unicode code points, after CRLF became LF."""
MOST_REQUESTS = 50
"""Of one candidacy: a script in somebody's page must not fill the log."""
BY_ITSELF = Actor(None, "automatic", "")
IS_OPEN = HelpRequest.ended_at.is_(None)


def ask(
    session: Session, person: User, test_id: int, kind: str, typed: str, *, now: datetime
) -> tuple[HelpRequest, bool]:
    """Ask for help in an own test; gives the open request, and whether it is new.

    The same request again is the one that is open. Raises `NotFound`, `CannotAsk`, `AlreadyAsked` and
    `BadRequestForHelp`.
    """
    text = _clean(typed)
    with writing(session, keep=True):
        head = lock_head(session)
        candidacy, test = _own(session, person.id, test_id)
        _check_state(candidacy, test, now)
        _check_fields(test, kind, text)
        help_request = open_request(session, candidacy.id)
        if help_request is not None:
            if (help_request.kind, help_request.text) != (kind, text):
                raise AlreadyAsked(help_request)
            return help_request, False
        if (session.scalar(select(func.count()).where(HelpRequest.candidacy_id == candidacy.id)) or 0) >= MOST_REQUESTS:
            raise CannotAsk("too_many")
        help_request = HelpRequest(candidacy_id=candidacy.id, kind=kind, text=text, asked_at=now)
        session.add(help_request)
        session.flush()
        _note_as_candidate(session, head, person, help_request, "help.asked", now)
    return help_request, True


def take_back(session: Session, person: User, test_id: int, *, now: datetime) -> None:
    """Take the open request of an own test back; without one, nothing happens. Raises `NotFound`."""
    with writing(session, keep=True):
        head = lock_head(session)
        candidacy, _ = _own(session, person.id, test_id)
        help_request = open_request(session, candidacy.id)
        if help_request is None:
            return
        help_request.ended_at, help_request.ended_by = now, person.id
        _note_as_candidate(session, head, person, help_request, "help.withdrawn", now)


def own_state(session: Session, user_id: int, test_id: int) -> tuple[Test, HelpRequest | None]:
    """An own test, and its open request. Raises `NotFound`."""
    candidacy, test = _own(session, user_id, test_id, lock=False)
    return test, open_request(session, candidacy.id)


def open_request(session: Session, candidacy_id: int) -> HelpRequest | None:
    """The open request of a candidacy."""
    return session.scalar(select(HelpRequest).where(HelpRequest.candidacy_id == candidacy_id, IS_OPEN))


def has_open_request(session: Session, user_id: int, test_id: int) -> bool:
    """Whether a person asks for help in a test."""
    own = Candidacy.user_id == user_id, Candidacy.test_id == test_id
    query = select(HelpRequest.id).join(Candidacy, Candidacy.id == HelpRequest.candidacy_id)
    return session.scalar(query.where(*own, IS_OPEN)) is not None


def end_with_submission(session: Session, head: Head, help_request: HelpRequest, now: datetime) -> None:
    """End a request because its test is submitted, within that transaction, which has locked the head of the log."""
    help_request.ended_at = now
    write_entry(session, head, help_request, BY_ITSELF, "help.done", now, by_itself="submitted")


def end_with_test(session: Session, test_id: int, now: datetime) -> None:
    """End all requests of a test that is closed, within that transaction, which logs all candidacies."""
    of_test = select(Candidacy.id).where(Candidacy.test_id == test_id)
    session.execute(update(HelpRequest).where(HelpRequest.candidacy_id.in_(of_test), IS_OPEN).values(ended_at=now))


def write_entry(
    session: Session, head: Head, help_request: HelpRequest, actor: Actor, action: str, now: datetime, **more: Any
) -> Head:
    """Log a step of a request with its candidacy, and have the candidate's pages told; within `writing()`."""
    session.flush()
    candidacy = (
        select(Candidacy.id).join(Candidacy.test).join(Candidacy.user).where(Candidacy.id == help_request.candidacy_id)
    )
    subjects = write_subjects(session, head, candidacy)
    told = update(Candidacy).where(Candidacy.id == help_request.candidacy_id).values(changed_at=utcnow())
    session.connection().execute(told)
    detail = {"request": help_request.id, "kind": help_request.kind, "text": help_request.text, **more}
    return append(session, head, at=now, actor=actor, action=action, detail=detail, subjects=subjects)


def _note_as_candidate(
    session: Session, head: Head, person: User, help_request: HelpRequest, action: str, now: datetime
) -> None:
    write_entry(session, head, help_request, Actor(person.id, person.name, "candidate"), action, now)


def _own(session: Session, user_id: int, test_id: int, *, lock: bool = True) -> tuple[Candidacy, Test]:
    own = Candidacy.user_id == user_id, Candidacy.test_id == test_id
    if lock:  # before it is read: on PostgreSQL, a statement that has waited for it sees the test as it was before
        session.execute(select(Candidacy.id).where(*own).with_for_update())
    row = session.execute(select(Candidacy, Test).join(Test, Test.id == Candidacy.test_id).where(*own)).one_or_none()
    if row is None:
        raise NotFound(f"test {test_id}")
    return row[0], row[1]


def _check_state(candidacy: Candidacy, test: Test, now: datetime) -> None:
    for moment, code in (
        (candidacy.withdrawn_at, "withdrawn"),
        (candidacy.submitted_at, "submitted"),
        (test.closed_at, "closed"),
    ):
        if moment is not None:
            raise CannotAsk(code)
    if now < test.starts_at - ENTRY_BEFORE_START:
        raise CannotAsk("early", test.starts_at - ENTRY_BEFORE_START)


def _check_fields(test: Test, kind: str, text: str) -> None:
    problems = {}
    if kind not in kinds_of(test):
        problems["kind"] = "unknown"
    if len(text) > TEXT_LIMIT:
        problems["text"] = "long"
    elif find_unusable_character(text, allowed="\n\t\u2028\u2029"):
        problems["text"] = "characters"
    if problems:
        raise BadRequestForHelp(problems)


def _clean(typed: str) -> str:
    """The text as it is stored, with LF as its only line end; empty if nothing of it can be seen."""
    text = typed.replace("\r\n", "\n").replace("\r", "\n")
    return "" if is_blank(text) else text
