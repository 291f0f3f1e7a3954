"""Writes an import plan. Call it inside `writing()`."""

from collections.abc import Collection

from sqlalchemy import String, cast, func, literal, or_, select, text, update
from sqlalchemy.orm import Session

from webapp.clock import utcnow
from webapp.db.sql import id_in
from webapp.exams.changes import note_changes
from webapp.models import Candidacy, Contribution, Question, Role, Test, User
from webapp.planning.import_plan import ImportPlan
from webapp.planning.search_text import SEPARATOR, refresh_search_text
from webapp.push.sessions import write_end_of_all


def apply(session: Session, plan: ImportPlan) -> None:
    """Write all rows of a plan that was made in this transaction, and what follows from them."""
    tests = [plan.test_rows[key] for key in plan.files.tests]
    with session.no_autoflush:
        found_by_names = _found_by_names(session, plan)
        _lock(session, plan, tests, found_by_names)
        # two people may swap their candidate IDs, so each first gets one that nobody can type
        renumbered = id_in(Candidacy.id, _ids(plan.candidacies.changed_in("number")))
        placeholder = literal(SEPARATOR) + cast(Candidacy.id, String)
        session.connection().execute(update(Candidacy).where(renumbered).values(number=placeholder))
        _copy_presence(session, [*plan.candidacies.new, *plan.candidacies.changed_in("user")])
        for rows in (plan.people.new, plan.tests.new, plan.candidacies.new, plan.contributors.new):
            session.add_all(rows)
        with_questions = id_in(Question.test_id, _ids(tests))
        test_ids = set(session.scalars(select(Question.test_id).where(with_questions)))
        session.add_all(Question(test=test, position=1) for test in tests if test.id not in test_ids)
        session.flush()
    if signed_out := _ids(plan.people.changed_in("epoch")):
        write_end_of_all(session, list(signed_out), utcnow())
    changed = _ids(plan.candidacies.changed)
    refresh_search_text(session, changed | _ids(plan.candidacies.new) | found_by_names)
    for model in (User, Test, Question, Contribution, Candidacy):
        # until PostgreSQL looks by itself how many rows there are now, its planner expects a handful
        session.execute(text(f"ANALYZE {model.__tablename__}"))
    note_changes(session, candidacy_ids=changed, test_ids=_ids(plan.tests.changed))


def _ids(rows: Collection[User] | Collection[Test] | Collection[Candidacy]) -> set[int]:
    """The ids of the rows that are stored."""
    return {row.id for row in rows} - {None}


def _lock(session: Session, plan: ImportPlan, tests: Collection[Test], found_by_names: set[int]) -> None:
    """Lock first the tests, as closing does, then all stored candidacies that are written, in the order of ids, as
    presence does: no deadlock then.

    Those of changed tests are among them, because a trigger notes the change.
    """
    rows = select(Test.id).where(id_in(Test.id, _ids(tests))).order_by(Test.id)
    session.execute(rows.with_for_update(key_share=True)).all()
    ids = found_by_names | _ids(plan.candidacies.changed)
    written = or_(id_in(Candidacy.id, ids), id_in(Candidacy.test_id, _ids(plan.tests.changed)))
    session.execute(select(Candidacy.id).where(written).order_by(Candidacy.id).with_for_update()).all()


def _copy_presence(session: Session, candidacies: Collection[Candidacy]) -> None:
    """Presence belongs to the person: a candidacy that is new to somebody takes it from their other tests."""
    columns = Candidacy.user_id, func.max(Candidacy.last_seen), func.max(Candidacy.left_at)
    sitting = id_in(Candidacy.user_id, _ids([candidacy.user for candidacy in candidacies]))
    rows = session.execute(select(*columns).where(sitting).group_by(Candidacy.user_id))
    presence = {user_id: moments for user_id, *moments in rows}
    for candidacy in candidacies:
        candidacy.last_seen, candidacy.left_at = presence.get(candidacy.user.id, (None, None))


def _found_by_names(session: Session, plan: ImportPlan) -> set[int]:
    """Ids of the stored candidacies whose search text has the name of a renamed person or of another planner."""
    renamed = _ids(plan.people.changed_in("name"))
    planned = id_in(Contribution.user_id, renamed), Contribution.role == Role.PLANNER
    test_ids = _ids(plan.replanned) | set(session.scalars(select(Contribution.test_id).where(*planned)))
    found = or_(id_in(Candidacy.user_id, renamed), id_in(Candidacy.test_id, test_ids))
    return set(session.scalars(select(Candidacy.id).where(found)))
