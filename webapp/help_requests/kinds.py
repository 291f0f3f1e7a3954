"""What candidates may ask for help with: the usual kinds, or those that the planners of a test have named."""

import json
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import Right, access_scope
from webapp.db.transactions import writing
from webapp.exceptions import NotFound
from webapp.help_requests.exceptions import BadKinds, NotTheirs
from webapp.logbook.help_words import HELP_KINDS
from webapp.models import Test, User
from webapp.text.characters import has_control_characters
from webapp.text.normalization import fold_for_search, normalize

MOST_KINDS = 10
LONGEST_KIND = 60


def kinds_of(test: Test) -> list[str]:
    """The kinds of a test, in the order in which they are offered."""
    return list(json.loads(test.help_kinds)) if test.help_kinds else list(HELP_KINDS)


def find_test(session: Session, actor: User, test_id: int, now: datetime) -> Test:
    """A test whose kinds `actor` may set. Raises `NotFound`, and `NotTheirs` for those who only see the test."""
    test = session.scalar(select(Test).where(Test.id == test_id, Test.closed_at.is_(None)))
    visible = access_scope(session, actor, Right.WATCH, now)
    if test is None or not (visible.everything or test_id in visible.roles):
        raise NotFound(f"test {test_id}")
    if test_id not in visible.tests_with(Right.SET_HELP):
        raise NotTheirs("no planner of this test")
    return test


def planned_tests(session: Session, actor: User, now: datetime) -> list[Test]:
    """The tests whose kinds `actor` may set, the next to end first."""
    ids = access_scope(session, actor, Right.SET_HELP, now).tests_with(Right.SET_HELP)
    query = select(Test).where(Test.id.in_(sorted(ids)), Test.ends_at > now).order_by(Test.ends_at, Test.title)
    return list(session.scalars(query)) if ids else []


def parse_kinds(typed: str) -> list[str]:
    """The kinds of a text with one in each line; empty lines do not count. Raises `BadKinds`."""
    kinds = [line.strip() for line in typed.replace("\r", "\n").split("\n")]
    kinds = [kind for kind in kinds if kind]
    for kind in kinds:
        if has_control_characters(kind):
            raise BadKinds("characters", kind)
        if len(kind) > LONGEST_KIND:
            raise BadKinds("long", kind)
    kinds = [kind for kind in map(normalize, kinds) if kind]
    if not kinds:
        raise BadKinds("none")
    if len(kinds) > MOST_KINDS:
        raise BadKinds("many")
    folded = [fold_for_search(kind) for kind in kinds]
    for place, kind in enumerate(kinds):
        if folded[place] in folded[:place]:
            raise BadKinds("double", kind)
    return kinds


def set_kinds(session: Session, actor: User, test_id: int, kinds: list[str] | None, now: datetime) -> None:
    """Have the candidates of a test ask with these kinds, or with the usual ones (None).

    Requests that are open keep theirs. Raises as `find_test`.
    """
    with writing(session):
        test = find_test(session, actor, test_id, now)
        test.help_kinds = json.dumps(kinds, ensure_ascii=False) if kinds else ""
