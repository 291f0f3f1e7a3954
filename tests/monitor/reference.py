"""What the monitor's filters mean, in Python: for one candidacy and its test at a moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from webapp.models import Candidacy, Test
from webapp.text.normalization import fold_for_search

UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def matches(one: Candidacy, test: Test, pairs: list[tuple[str, str]], now: datetime) -> bool:
    """Whether a candidacy has any of the values of each name."""
    choices: dict[str, Callable[[], set[str | None]]] = {  # only what is asked for is worked out
        "test": lambda: {str(test.id)},
        "state": lambda: {state(one, test, now)},
        "progress": lambda: {progress(one)},
        "status": lambda: {"online" if is_online(one, now) else "offline"},
        "warning": lambda: {*warnings(one, test, now)},
        "room": lambda: {one.room},
        "group": lambda: {one.group_name},
        "flag": lambda: {"yes" if one.flagged else "no"},
        "attendance": lambda: {one.attendance or "unset"},
        "extra": lambda: {"yes" if one.extra_minutes else "no"},
    }
    moments = {
        "seen": one.last_seen, "started": one.started_at, "saved": one.saved_at, "submitted": one.submitted_at,
        "test_start": test.starts_at, "test_end": test.ends_at,
    }  # fmt: skip

    heard = [moment for moment in (one.last_seen, one.left_at) if moment and one.last_seen]
    rolling: dict[str, Callable[[timedelta], bool]] = {
        "ends_within": lambda span: own_end(one, test) - now <= span,
        "unseen": lambda span: bool(heard) and now - max(heard) >= span,
        "unsaved": lambda span: (
            progress(one) == "in_progress" and now - (one.saved_at or one.started_at or now) >= span
        ),
    }

    def has(name: str, value: str) -> bool:
        if name in rolling:
            span = value.removeprefix("next-")
            return rolling[name](int(span[:-1]) * UNITS[span[-1]])
        if name == "q":
            return fold_for_search(value) in one.search_text
        if name in choices:
            return value in choices[name]()
        assert name.endswith(("_within", "_after", "_before")), f"`matches` does not know what “{name}” means"
        return is_in_time(moments[name.rpartition("_")[0]], name, value, now)

    return all(any(has(other, value) for other, value in pairs if other == name) for name, _ in pairs)


def is_online(one: Candidacy, now: datetime) -> bool:
    """Heard of within 75 seconds, and not left since."""
    if one.last_seen is None or one.last_seen <= now - timedelta(seconds=75):
        return False
    return one.left_at is None or one.left_at < one.last_seen


def state(one: Candidacy, test: Test, now: datetime) -> str:
    """The one state (R27): what ends it for good first, then time, then what the person does."""
    if one.withdrawn_at or one.submitted_at:
        return "withdrawn" if one.withdrawn_at else "submitted"
    if one.started_at and (test.closed_at or own_end(one, test) <= now):
        return "time_up"
    if one.paused_at:
        return "paused"
    if not one.started_at:
        return "waiting" if one.entered_at else "not_arrived"
    if not is_online(one, now):
        return "offline"
    return "idle" if (one.saved_at or one.started_at) < now - timedelta(minutes=10) else "writing"


def own_end(one: Candidacy, test: Test) -> datetime:
    """The end with extra and incident time."""
    return test.ends_at + timedelta(minutes=one.extra_minutes + one.incident_minutes)


def progress(one: Candidacy) -> str:
    """The stage."""
    stages = {
        "withdrawn": one.withdrawn_at, "blank": one.submitted_at if one.blank else None, "submitted": one.submitted_at,
        "paused": one.paused_at, "in_progress": one.started_at, "dashboard": one.entered_at,
    }  # fmt: skip
    return next((stage for stage, moment in stages.items() if moment), "inactive")


def warnings(one: Candidacy, test: Test, now: datetime) -> set[str]:
    """The warnings that a candidacy carries."""
    if test.closed_at or test.starts_at > now:
        return set()
    end = own_end(one, test)
    is_at_work = progress(one) == "in_progress" and end > now
    last_save = one.saved_at or one.started_at
    holds = {
        "offline": is_at_work and not is_online(one, now),
        "idle": is_at_work and is_online(one, now) and last_save and last_save < now - timedelta(minutes=10),
        "timed_out": end <= now and one.started_at and not (one.submitted_at or one.withdrawn_at),
        "was_offline": one.back_at and one.back_at > now - timedelta(minutes=15),
    }
    return {warning for warning, held in holds.items() if held}


def is_in_time(moment: datetime | None, name: str, value: str, now: datetime) -> bool:
    """Whether a moment is within a period, or after or before a minute, in UTC."""
    if moment is None:
        return False
    if name.endswith("_within"):
        if value == "today":
            return moment.date() == now.date()
        return now - int(value[:-1]) * UNITS[value[-1]] <= moment <= now
    edge = datetime.fromisoformat(value).replace(tzinfo=UTC)
    return moment >= edge if name.endswith("_after") else moment < edge
