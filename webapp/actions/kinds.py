"""The actions that staff take on candidates, as one table: who may, what they change, and for whom they cannot."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from webapp.access import Right

MOST_MINUTES = 1440
Row = Any
"""A candidacy as `outcome.LOCKED` reads it."""
Values = dict[str, Any]
"""What the form gave, parsed (`values.py`)."""
NewColumns = Callable[[Row, Values, datetime], dict[str, Any]]

OBSTACLES: dict[str, Callable[[Row, datetime], bool]] = {
    "withdrawn": lambda row, _now: row.withdrawn_at is not None,
    "submitted": lambda row, _now: row.submitted_at is not None,
    "not_started": lambda row, _now: row.started_at is None,
    "time_up": lambda row, now: row.ends_at <= now,
}
"""Why a candidate cannot be reached. `too_much` and `changed` come with the values (`outcome.py`)."""


@dataclass(frozen=True, eq=False)
class Kind:
    """One action. It is undone by writing back what it has changed."""

    name: str
    label: LazyString
    icon: str
    right: Right
    columns: tuple[str, ...] = ()
    """What it changes. Without any it leads to a page of its own, for one candidate."""
    new: NewColumns = lambda _row, _values, _now: {}
    """Some of these columns and their new values. Those that it leaves out stay."""
    obstacles: tuple[str, ...] = ()
    """Of `OBSTACLES`, the first that is met counts; none for a candidate for whom it stands so already."""
    values: tuple[str, ...] = ()
    """The names of its values, apart from `reason`, which all take."""
    can_be_undone: bool = True
    is_one_press: bool = False
    """Goes from a row's menu without a form."""

    @property
    def log_action(self) -> str:
        """Its name in the log."""
        return f"candidate.{self.name}"


def _constant(**columns: Any) -> NewColumns:
    return lambda _row, _values, _now: columns


def _value_of(column: str) -> NewColumns:
    return lambda _row, values, _now: {column: values[column]}


def _minutes(column: str) -> NewColumns:
    def new(row: Row, values: Values, _now: datetime) -> dict[str, Any]:
        before = getattr(row, column) if values["mode"] == "add" else 0
        return {column: before + values["minutes"]}

    return new


def _place(row: Row, values: Values, _now: datetime) -> dict[str, Any]:
    """Room and seat, as far as they are given. A seat belongs to its room: it does not come along to another."""
    room = values["room"] or row.room
    seat = values["seat"] if values["seat"] is not None else row.seat if room == row.room else ""
    return {"room": room, "seat": seat}


def _resume(row: Row, _values: Values, _now: datetime) -> dict[str, Any]:
    """Who leaves an incident alone, before its end or passed over by it, gets the minutes lost then."""
    lost = lost_minutes(row.paused_at, row.lost_until) if row.lost_until else 0
    return {"paused_at": None, "incident_minutes": row.incident_minutes + lost}


def lost_minutes(start: datetime, end: datetime) -> int:
    """The minutes between two moments, rounded up."""
    return max(0, -((start - end) // timedelta(minutes=1)))


SITTING = ("withdrawn", "submitted")
_KINDS = (
    Kind(
        "flag", lazy_gettext("Flag"), "flag", Right.NOTE, ("flagged",),
        _constant(flagged=True), is_one_press=True,
    ),
    Kind(
        "unflag", lazy_gettext("Remove flag"), "flag", Right.NOTE, ("flagged",),
        _constant(flagged=False), is_one_press=True,
    ),
    Kind(
        "attendance", lazy_gettext("Attendance"), "user-check", Right.NOTE, ("attendance",),
        _value_of("attendance"), values=("attendance",), is_one_press=True,
    ),
    Kind(
        "id_check", lazy_gettext("Confirm ID"), "id-card", Right.NOTE, ("id_checked",),
        _constant(id_checked=True), is_one_press=True,
    ),
    Kind(
        "id_uncheck", lazy_gettext("Remove ID check"), "id-card", Right.NOTE, ("id_checked",),
        _constant(id_checked=False), is_one_press=True,
    ),
    Kind("note", lazy_gettext("Note"), "sticky-note", Right.NOTE, ("note",), _value_of("note"), values=("note",)),
    Kind(
        "pause", lazy_gettext("Pause"), "pause", Right.MANAGE, ("paused_at",),
        lambda row, _values, now: {"paused_at": row.paused_at or now}, (*SITTING, "not_started", "time_up"),
    ),
    Kind("resume", lazy_gettext("Resume"), "play", Right.MANAGE, ("paused_at", "incident_minutes"), _resume, SITTING),
    Kind(
        "extra_time", lazy_gettext("Extra time"), "timer", Right.MANAGE, ("extra_minutes",),
        _minutes("extra_minutes"), SITTING, ("minutes", "mode"),
    ),
    Kind(
        "incident_time", lazy_gettext("Incident time"), "hourglass", Right.MANAGE, ("incident_minutes",),
        _minutes("incident_minutes"), SITTING, ("minutes", "mode"),
    ),
    Kind(
        "room", lazy_gettext("Room and seat"), "armchair", Right.MANAGE, ("room", "seat"),
        _place, values=("room", "seat"),
    ),
    Kind(
        "withdraw", lazy_gettext("Withdraw"), "user-x", Right.MANAGE, ("withdrawn_at",),
        lambda row, _values, now: {"withdrawn_at": row.withdrawn_at or now}, ("submitted",),
    ),
    Kind(
        "readmit", lazy_gettext("Readmit"), "user-plus", Right.MANAGE, ("withdrawn_at",),
        _constant(withdrawn_at=None),
    ),
    Kind(
        "reopen", lazy_gettext("Take submission back"), "rotate-ccw", Right.REOPEN, ("submitted_at", "blank"),
        _constant(submitted_at=None, blank=False), ("withdrawn",), can_be_undone=False,
    ),
    Kind("new_password", lazy_gettext("New password"), "key-round", Right.HELP_SIGN_IN),
    Kind("unlock", lazy_gettext("Unlock sign-in"), "lock-open", Right.HELP_SIGN_IN),
)  # fmt: skip
KINDS = {kind.name: kind for kind in _KINDS}
