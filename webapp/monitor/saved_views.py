"""Saved views: a filter with order and columns under a name. Planners share one with all staff of a test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from webapp.access import AccessScope, Right, access_scope
from webapp.db.transactions import writing
from webapp.exceptions import NotAllowed, NotFound, Refusal
from webapp.models import SavedView, Test, User
from webapp.monitor.columns import parse_presentation, query_string
from webapp.monitor.filters import parse_filter
from webapp.monitor.query import check_values, defaults_for, listed_scope
from webapp.monitor.settings import Settings, lock_person, settings_of
from webapp.monitor.words import test_in_words
from webapp.text.characters import has_control_characters, is_storable
from webapp.text.normalization import is_blank, natural_sort_key, normalize

LONGEST_NAME = 60
MAX_VIEWS = 50
"""Of one person."""


class ViewRefused(Refusal):
    """A view cannot be kept like this; the code tells why, and what was typed is kept."""

    status = 422

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class ListedView:
    """A view as it is listed."""

    id: int
    name: str
    query: str
    is_own: bool
    owner: str
    test_id: int | None
    test: str | None
    """The title of the test whose staff see it too."""


def listed_views(session: Session, user_id: int, scope: AccessScope) -> list[ListedView]:
    """The person's own views by name, then those that others share with them."""
    found = [
        ListedView(view.id, view.name, view.query, view.user_id == user_id, owner, view.test_id, title)
        for view, owner, title in session.execute(_with_names().where(_is_visible(user_id, scope)))
    ]
    return sorted(found, key=lambda view: (not view.is_own, natural_sort_key(view.name), view.id))


def _with_names() -> Select[SavedView, str, str | None]:
    joined = select(SavedView, User.name, Test.title).join(User, User.id == SavedView.user_id)
    return joined.outerjoin(Test, Test.id == SavedView.test_id)


def _is_visible(user_id: int, scope: AccessScope) -> ColumnElement[bool]:
    """Own ones, and those shared in a test that the person may watch."""
    is_shared = and_(SavedView.test_id.is_not(None), scope.test_condition(SavedView.test_id))
    return or_(SavedView.user_id == user_id, is_shared)


def planned_tests(session: Session, scope: AccessScope) -> list[tuple[int, str]]:
    """(id, title) of the tests in whose staff's sight this person may put a view, the latest first."""
    ids = scope.tests_with(Right.SHARE_VIEWS)
    tests = (
        select(Test.id, Test.title, Test.start_date).where(Test.id.in_(ids)).order_by(Test.starts_at.desc(), Test.id)
    )
    found = session.execute(tests).all()
    titles = [test.title for test in found]
    return [(test.id, test_in_words(test.title, test.start_date, titles)) for test in found]


def find_view(session: Session, user_id: int, scope: AccessScope, view_id: int) -> SavedView | None:
    """A view that this person sees."""
    return session.scalar(select(SavedView).where(SavedView.id == view_id, _is_visible(user_id, scope)))


def parse_query(query: str) -> MultiDict[str, str]:
    """The parameters of a query."""
    return MultiDict(parse_qsl(query, keep_blank_values=True))


def view_query(
    session: Session, scope: AccessScope, args: MultiDict[str, str], settings: Settings, zone: ZoneInfo
) -> str:
    """What a view of this address keeps: filter, order and columns, each of them named.

    Raises `BadParameter` for what the list would refuse.
    """
    filter = parse_filter(args, zone)
    check_values(session, scope, filter)
    defaults = defaults_for(listed_scope(scope, filter), filter)
    presentation = parse_presentation(settings.applied(args, defaults), defaults)
    return query_string(filter, replace(presentation, page=1, named=frozenset({"sort", "column"}))).removeprefix("?")


def save_view(session: Session, user_id: int, name: str, query: str) -> int:
    """Keep a view under a new name; returns its id. Raises `ViewRefused`."""
    name = _clean_name(name)
    with writing(session):
        lock_person(session, user_id)
        own = select(func.count()).select_from(SavedView).where(SavedView.user_id == user_id)
        _refuse_taken(session, user_id, name)
        if session.scalars(own).one() >= MAX_VIEWS:
            raise ViewRefused("too_many_views")
        view = SavedView(user_id=user_id, name=name, query=query)
        session.add(view)
        session.flush()
        return view.id


def rename_view(session: Session, user_id: int, view_id: int, name: str) -> None:
    """Give an own view another name. Raises `ViewRefused`, and `NotFound` for a view that is not the person's own."""
    name = _clean_name(name)
    with writing(session):
        view = _find_own(session, user_id, view_id)
        _refuse_taken(session, user_id, name, view_id)
        view.name = name


def delete_view(session: Session, user_id: int, view_id: int) -> None:
    """Delete an own view, for everybody. Raises `NotFound` for a view that is not the person's own."""
    with writing(session):
        session.delete(_find_own(session, user_id, view_id))
        _set_default(lock_person(session, user_id), view_id, is_default=False)


def share_view(session: Session, actor: User, view_id: int, test_id: int | None, now: datetime) -> None:
    """Show an own view to all staff of a test, or (None) to nobody else.

    Raises `NotFound` for a view that is not the person's own and for a test that they do not see, and `NotAllowed`
    where they are no planner.
    """
    actor_id = actor.id
    with writing(session):
        view = _find_own(session, actor_id, view_id)
        if test_id is not None:
            scope = access_scope(session, session.get_one(User, actor_id), Right.WATCH, now)
            if test_id not in scope.tests_with(Right.SHARE_VIEWS):
                raise NotAllowed("no planner") if _sees(session, scope, test_id) else NotFound(f"test {test_id}")
        view.test_id = test_id


def _sees(session: Session, scope: AccessScope, test_id: int) -> bool:
    return session.scalar(select(Test.id).where(Test.id == test_id, scope.test_condition())) is not None


def set_default_view(session: Session, user_id: int, scope: AccessScope, view_id: int, *, is_default: bool) -> None:
    """Open the plain monitor with this view, or no longer. Raises `NotFound` for a view that they do not see."""
    with writing(session):
        user = lock_person(session, user_id)
        if find_view(session, user_id, scope, view_id) is None:
            raise NotFound(f"view {view_id}")
        _set_default(user, view_id, is_default=is_default)


def _set_default(user: User, view_id: int, *, is_default: bool) -> None:
    settings = settings_of(user)
    if is_default:
        settings = replace(settings, view=view_id)
    elif settings.view == view_id:
        settings = replace(settings, view=None)
    user.monitor_settings = settings.stored()


def _find_own(session: Session, user_id: int, view_id: int) -> SavedView:
    lock_person(session, user_id)
    view = session.scalar(select(SavedView).where(SavedView.id == view_id, SavedView.user_id == user_id))
    if view is None:
        raise NotFound(f"view {view_id}")
    return view


def _clean_name(name: str) -> str:
    if has_control_characters(name) or not is_storable(name):
        raise ViewRefused("view_name")
    name = normalize(name)
    if is_blank(name) or len(name) > LONGEST_NAME:
        raise ViewRefused("view_name")
    return name


def _refuse_taken(session: Session, user_id: int, name: str, besides: int = 0) -> None:
    """Names are told apart as people read them: case does not count."""
    others = select(SavedView.name).where(SavedView.user_id == user_id, SavedView.id != besides)
    if name.casefold() in {other.casefold() for other in session.scalars(others)}:
        raise ViewRefused("view_name_taken")
