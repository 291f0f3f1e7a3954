"""What messages before each one's own end cost: 1,500 own ends over an hour, as a process with its loop would see it.

The hour is gone through with a clock set by hand, at the loop's pace; only the processor's time is measured, and a
process that looks is not slowed down by another one.
"""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import func, select, update

from tests.databases import Database, application_on
from tests.hall import Hall
from tests.messaging.scheduling import Process
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.extensions import db
from webapp.messaging.audience import Selection
from webapp.messaging.draft import Draft
from webapp.messaging.due import LOOK_SECONDS
from webapp.messaging.schedules import make_schedule
from webapp.messaging.when import When, WhenKind
from webapp.models import Candidacy, Delivery, Role, User
from webapp.monitor.filters import Filter

MINUTES = 60
LOOKS_A_MINUTE = 12
"""Gone through; those between them, which find nothing new, are counted as the median one."""


def measure_scheduling(folder: Path, url: str, size: int = 1500) -> dict[str, float]:
    """Percent of a core: with nothing that waits, and through the hour with one message for `size` people.

    Raises `RuntimeError` if not everybody has got it once.
    """
    database = Database("sqlite" if url.startswith("sqlite") else "postgresql", url, folder)
    with application_on(database) as app, app.app_context():
        session, begin = db.session(), utcnow()
        hall = Hall(session)
        test = hall.test(ends_at=begin + timedelta(minutes=20))
        people = hall.candidacies(test, size)
        with writing(session):
            for place, each in enumerate(people):
                minutes = place * MINUTES // size
                session.execute(update(Candidacy).where(Candidacy.id == each.id).values(extra_minutes=minutes))
        author_id, test_id = hall.contributor(test, role=Role.CHIEF_INVIGILATOR).id, test.id
        process = Process(session, begin)
        idle = _looks(process, LOOKS_A_MINUTE * MINUTES)
        process.now = begin
        selection = Selection(Filter({"test": (str(test_id),), "state": ("writing", "offline", "idle", "paused")}))
        draft = Draft(
            "15 minutes left", "Please come to an end.", selection, when=When(WhenKind.BEFORE_END, minutes="15")
        )
        make_schedule(session, session.get_one(User, author_id), draft, process.installation())
        hour = _looks(process, LOOKS_A_MINUTE * (MINUTES + 6))
        got = session.scalar(select(func.count()).select_from(Delivery)) or 0
        if got != size or sum(len(user_ids) for _, user_ids in process.announced) != size:
            raise RuntimeError(f"{got} of {size} have got it, in {len(process.announced)} batches")
    words = {"nothing waits": idle, f"one message, {size:,} own ends over an hour": hour}
    shares = {what: _share([look.processor for look in looks]) for what, looks in words.items()}
    return shares | {
        f"{what}, with the database": _share([look.clock for look in looks]) for what, looks in words.items()
    }


class Look(NamedTuple):
    """What one look took, in seconds."""

    processor: float
    """Of the process that looks."""
    clock: float
    """With what it waits for: an upper bound of what the database spends on it."""


def _looks(process: Process, count: int) -> list[Look]:
    """What each look takes."""
    taken = []
    process.session.expunge_all()  # a loop's step begins with an empty one
    for _ in range(count):
        begun, at = time.process_time(), time.perf_counter()
        process.look(timedelta(seconds=60 / LOOKS_A_MINUTE))
        taken.append(Look(time.process_time() - begun, time.perf_counter() - at))
    return taken


def _share(looks: list[float]) -> float:
    """Percent of a core at the loop's pace."""
    seconds = len(looks) * 60 / LOOKS_A_MINUTE
    between = seconds / LOOK_SECONDS - len(looks)
    return 100 * (sum(looks) + between * sorted(looks)[len(looks) // 2]) / seconds
