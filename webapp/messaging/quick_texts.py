"""Quick texts: what staff begin a message with, their own and those that planners have written for a test."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import Session

from webapp.access import AccessScope, Right, access_scope, is_contributor
from webapp.db.transactions import writing
from webapp.exceptions import NotAllowed, NotFound, Refusal
from webapp.messaging.text import check_text
from webapp.models import QuickText, Test, User
from webapp.monitor.settings import lock_person
from webapp.text.normalization import natural_sort_key

MOST_TEXTS = 50
"""Of one person, and of one test."""


class TooManyQuickTexts(Refusal):
    """The person, or the test, has `MOST_TEXTS` of them."""

    status = 422
    code = "too_many_quick_texts"


@dataclass(frozen=True)
class TypedText:
    """A quick text as a form has it."""

    subject: str
    body: str
    locale: str
    test_id: int | None = None
    """The test for whose staff it is; None for the person's own."""


@dataclass(frozen=True)
class ListedTexts:
    """The quick texts of one owner."""

    test: Test | None
    """None for the person's own."""
    texts: list[QuickText]
    may_change: bool


def check_staff(session: Session, actor: User) -> None:
    """Quick texts are for everybody who works in a test, and for administrators. Raises `NotAllowed`."""
    if not actor.is_admin and not is_contributor(session, actor):
        raise NotAllowed("neither a role nor an administrator")


def listed_texts(session: Session, actor: User, now: datetime) -> list[ListedTexts]:
    """The person's own, then those of the tests that they can send to or write quick texts for. Raises `NotAllowed`."""
    check_staff(session, actor)
    scope = access_scope(session, actor, Right.SEND, now)
    planned = scope.tests_with(Right.SET_TEXTS)
    tests = session.scalars(select(Test).where(Test.id.in_(sorted(scope.roles))))
    found = offered_texts(session, actor, scope.roles)
    lists = [ListedTexts(None, [text for text in found if text.user_id is not None], may_change=True)]
    for test in sorted(tests, key=lambda test: (natural_sort_key(test.title), test.id)):
        texts = [text for text in found if text.test_id == test.id]
        if texts or test.id in planned:
            lists.append(ListedTexts(test, texts, test.id in planned))
    return lists


def offered_texts(session: Session, actor: User, test_ids: Iterable[int]) -> list[QuickText]:
    """The person's own, then those of these tests, each by subject. The tests must be some that they send to."""
    found = session.scalars(select(QuickText).where(or_(QuickText.user_id == actor.id, _of_tests(test_ids))))
    return sorted(found, key=lambda text: (text.user_id is None, natural_sort_key(text.subject), text.id))


def find_usable(session: Session, actor: User, text_id: int, now: datetime) -> QuickText | None:
    """A quick text that the person can begin a message with; None for any other."""
    tests = access_scope(session, actor, Right.SEND, now).roles
    is_theirs = or_(QuickText.user_id == actor.id, _of_tests(tests))
    return session.scalar(select(QuickText).where(QuickText.id == text_id, is_theirs))


def find_changeable(session: Session, actor: User, text_id: int, now: datetime, *, lock: bool = False) -> QuickText:
    """A quick text that the person can change; with `lock`, nobody else changes or deletes it meanwhile.

    Raises `NotFound`, and `NotAllowed` for a test's if they only see it.
    """
    check_staff(session, actor)
    text = session.get(QuickText, text_id, with_for_update=lock or None, populate_existing=lock)
    if text is None or (text.user_id is not None and text.user_id != actor.id):
        raise NotFound(f"quick text {text_id}")
    if text.test_id is not None:
        _check_planner(access_scope(session, actor, Right.WATCH, now), text.test_id)
    return text


def add_text(session: Session, actor: User, typed: TypedText, now: datetime) -> QuickText:
    """Keep a new one. Raises `BadText`, `TooManyQuickTexts`, `NotAllowed` or `NotFound`."""
    subject, body = check_text(typed.subject, typed.body)
    with writing(session, keep=True):
        check_staff(session, actor)
        if typed.test_id is None:
            owner, own = {"user_id": lock_person(session, actor.id).id}, QuickText.user_id == actor.id
        else:
            _check_planner(access_scope(session, actor, Right.WATCH, now), typed.test_id)
            session.scalars(select(Test.id).where(Test.id == typed.test_id).with_for_update()).one()
            owner, own = {"test_id": typed.test_id}, QuickText.test_id == typed.test_id
        if session.scalars(select(func.count()).select_from(QuickText).where(own)).one() >= MOST_TEXTS:
            raise TooManyQuickTexts(f"more than {MOST_TEXTS}")
        text = QuickText(subject=subject, body=body, locale=typed.locale, **owner)
        session.add(text)
    return text


def change_text(session: Session, actor: User, text_id: int, typed: TypedText, now: datetime) -> QuickText:
    """Write one anew; it stays its owner's. Raises `BadText`, `NotAllowed` or `NotFound`."""
    subject, body = check_text(typed.subject, typed.body)
    with writing(session, keep=True):
        text = find_changeable(session, actor, text_id, now, lock=True)
        text.subject, text.body, text.locale = subject, body, typed.locale
    return text


def delete_text(session: Session, actor: User, text_id: int, now: datetime) -> None:
    """Delete one. Raises `NotAllowed` or `NotFound`."""
    with writing(session):
        session.delete(find_changeable(session, actor, text_id, now, lock=True))


def _check_planner(visible: AccessScope, test_id: int) -> None:
    if test_id in visible.tests_with(Right.SET_TEXTS):
        return
    if visible.everything or test_id in visible.roles:
        raise NotAllowed("no planner of this test, or it is closed")
    raise NotFound(f"test {test_id}")


def _of_tests(test_ids: Iterable[int]) -> ColumnElement[bool]:
    ids: Sequence[int] = sorted(test_ids)
    return QuickText.test_id.in_(ids) if ids else false()
