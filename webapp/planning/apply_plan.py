"""Writes an import plan. Call it inside `writing()`."""

from collections.abc import Collection, Iterable

from sqlalchemy import String, cast, func, literal, or_, select, text, update
from sqlalchemy.orm import Session

from webapp.clock import utcnow
from webapp.db.sql import id_in
from webapp.exams.changes import note_changes
from webapp.models import Candidacy, Contribution, Question, Role, Test, User
from webapp.planning.import_plan import ImportPlan
from webapp.planning.search_text import refresh_search_text
from webapp.push import write_end_of_all


def apply(session: Session, plan: ImportPlan) -> None:
    """Write all rows of a plan that was made in this transaction, and what follows from them."""
    with session.no_autoflush:
        found_by_names = _found_by_names(session, plan)
        _lock(session, plan, found_by_names)
        _release_numbers(session, plan.renumbered)
        _copy_presence(session, [*plan.candidacies.new, *plan.taken_over])
        for changes in (plan.user_changes, plan.test_changes, plan.candidacies, plan.contributions):
            session.add_all(changes.new)
        session.add_all(plan.questions)
        session.flush()
    if plan.signed_out:
        write_end_of_all(session, [user.id for user in plan.signed_out], utcnow())
    written = {candidacy.id for candidacy in [*plan.candidacies.new, *plan.candidacies.changed]}
    refresh_search_text(session, written | found_by_names)
    _count_rows(session)
    note_changes(
        session,
        candidacy_ids=(candidacy.id for candidacy in plan.candidacies.changed),
        test_ids=(test.id for test in plan.test_changes.changed),
    )


def _lock(session: Session, plan: ImportPlan, found_by_names: set[int]) -> None:
    """Lock first the tests, as closing does, then all stored candidacies that are written, in the order of ids, as
    presence does: no deadlock then.

    Those of changed tests are among them, because a trigger notes the change.
    """
    tests = id_in(Test.id, {test.id for test in plan.tests.values()} - {None})
    session.execute(select(Test.id).where(tests).order_by(Test.id).with_for_update(key_share=True)).all()
    ids = found_by_names | {candidacy.id for candidacy in plan.candidacies.changed}
    test_ids = {test.id for test in plan.test_changes.changed}
    written = or_(id_in(Candidacy.id, ids), id_in(Candidacy.test_id, test_ids))
    session.execute(select(Candidacy.id).where(written).order_by(Candidacy.id).with_for_update()).all()


def _release_numbers(session: Session, candidacies: Iterable[Candidacy]) -> None:
    """Two people may swap their candidate IDs, so each first gets one that nobody can type."""
    placeholder = literal("\x1f") + cast(Candidacy.id, String)
    renumbered = id_in(Candidacy.id, [candidacy.id for candidacy in candidacies])
    session.connection().execute(update(Candidacy).where(renumbered).values(number=placeholder))


def _copy_presence(session: Session, candidacies: Collection[Candidacy]) -> None:
    """Presence belongs to the person: a candidacy that is new to somebody takes it from their other tests."""
    columns = Candidacy.user_id, func.max(Candidacy.last_seen), func.max(Candidacy.left_at)
    user_ids = {candidacy.user.id for candidacy in candidacies} - {None}
    rows = session.execute(select(*columns).where(id_in(Candidacy.user_id, user_ids)).group_by(Candidacy.user_id))
    presence = {user_id: moments for user_id, *moments in rows}
    for candidacy in candidacies:
        candidacy.last_seen, candidacy.left_at = presence.get(candidacy.user.id, (None, None))


def _found_by_names(session: Session, plan: ImportPlan) -> set[int]:
    """Ids of the stored candidacies whose search text has the name of a renamed person or of another planner."""
    renamed = [user.id for user in plan.renamed]
    planned = id_in(Contribution.user_id, renamed), Contribution.role == Role.PLANNER
    test_ids = {test.id for test in plan.replanned} - {None}
    test_ids |= set(session.scalars(select(Contribution.test_id).where(*planned)))
    found = or_(id_in(Candidacy.user_id, renamed), id_in(Candidacy.test_id, test_ids))
    return set(session.scalars(select(Candidacy.id).where(found)))


def _count_rows(session: Session) -> None:
    """Tell the planner how many rows there are now: until PostgreSQL looks by itself it expects a handful."""
    for model in (User, Test, Question, Contribution, Candidacy):
        session.execute(text(f"ANALYZE {model.__tablename__}"))
