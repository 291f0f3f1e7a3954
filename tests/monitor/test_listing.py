"""A row's moments and durations are whole minutes, as a clock without seconds shows them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.hall import Hall
from webapp.access import AccessScope
from webapp.clock import undated
from webapp.db.transactions import read_snapshot
from webapp.monitor.columns import COLUMN_BY_KEY, Presentation
from webapp.monitor.filters import Filter
from webapp.monitor.listing import all_rows, load_listing
from webapp.monitor.page import row_macros
from webapp.monitor.query import View

EVERYTHING = AccessScope(everything=True, roles={}, rooms={})
NOW = datetime(2026, 11, 24, 10, 30, 20, tzinfo=UTC)


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-24T{clock}+00:00")


def row_of(session: Session, test_id: int | None = None) -> Any:
    """The only candidacy, or that of a test, with all columns, as the page has it and as the file has it."""
    asked = Filter({"test": (str(test_id),)}) if test_id else Filter()
    view = View(EVERYTHING, asked, Presentation(columns=tuple(COLUMN_BY_KEY)), NOW)
    [row] = load_listing(session, view).rows
    read_snapshot(session)
    assert [list(rows) for rows in all_rows(session, view)] == [[row]]
    return row


def test_minutes_left_are_those_begun(session: Session, hall: Hall) -> None:
    for ends_at, extra, left in (
        ("12:30:00", 0, 120),
        ("12:30:01", 0, 121),
        ("12:30:00", 30, 150),
        ("12:30:00", 1440, 1560),
        ("10:30:21", 0, 1),
        ("10:29:59", 0, 0),
    ):
        test = hall.test(f"To {ends_at} and {extra}", starts_at=at("09:30:00"), ends_at=at(ends_at))
        one = hall.candidacy(test, extra_minutes=extra)
        assert row_of(session, one.test_id).remaining == left, (ends_at, extra)


def test_nothing_is_left_to_whoever_does_not_write(session: Session, hall: Hall) -> None:
    for ended in ("paused_at", "submitted_at", "withdrawn_at"):
        one = hall.candidacy(hall.test(ended, starts_at=at("09:30:00")), **{ended: at("10:00:00")})
        assert row_of(session, one.test_id).remaining is None, ended


def test_minutes_spent(session: Session, hall: Hall) -> None:
    cases: list[tuple[dict[str, datetime | None], int | None]] = [
        ({"started_at": None}, None),
        ({"started_at": at("09:30:59")}, 60),
        ({"started_at": at("09:30:00"), "submitted_at": at("10:29:59")}, 59),
        ({"started_at": at("09:30:00"), "withdrawn_at": at("09:31:00")}, 1),
        ({"started_at": at("10:31:00")}, 0),
    ]
    for fields, spent in cases:
        one = hall.candidacy(hall.test(f"{spent} minutes", starts_at=at("09:00:00")), **fields)
        assert row_of(session, one.test_id).spent == spent, fields


def test_a_moment_is_the_minute_it_lies_in(session: Session, hall: Hall) -> None:
    test = hall.test(starts_at=at("09:30:01"), ends_at=at("12:30:59"))
    one = hall.candidacy(test, started_at=at("09:31:02"), saved_at=at("10:29:59"), submitted_at=at("10:30:00"))
    hall.seen(one.user_id, timedelta(days=1))
    row = row_of(session)._mapping
    clocks = [f"{row[key]:%H:%M:%S}" for key in ("test_start", "test_end", "started", "saved", "submitted")]
    assert clocks == ["09:30:00", "12:30:00", "09:31:00", "10:29:00", "10:30:00"]


def test_somebody_online_was_not_last_seen_at_a_time(session: Session, hall: Hall) -> None:
    one = hall.candidacy(hall.test(starts_at=at("09:30:00")))
    assert (row_of(session).online, row_of(session).last_seen) == (False, None)
    hall.seen(one.user_id)  # by the clock, which is not before NOW
    assert (row_of(session).online, row_of(session).last_seen) == (True, None)


def test_offline_at_some_point_is_before_or_now(session: Session, hall: Hall) -> None:
    for before, seen, said in ((False, False, True), (True, True, True), (True, False, True), (False, True, False)):
        test = hall.test(f"{before} {seen}", starts_at=at("09:30:00"))
        back_at = at("09:40:00") if before else None
        one = hall.candidacy(test, started_at=at("09:31:00"), back_at=back_at)
        if seen:
            hall.seen(one.user_id)
        assert row_of(session, one.test_id).was_ever_offline is said, (before, seen)


@pytest.mark.parametrize(
    ("now", "moment", "shown"),
    [
        ("2026-11-28T00:08", "2026-11-27T23:56", "23:56"),
        ("2026-11-28T00:08", "2026-11-27T12:08", "12:08"),
        ("2026-11-28T00:08", "2026-11-27T11:59", "27 Nov 11:59"),
        ("2026-11-28T23:59", "2026-11-28T00:00", "00:00"),
        ("2026-11-28T23:59", "2026-11-27T23:59", "27 Nov 23:59"),
        ("2026-11-28T23:59", "2026-11-29T00:00", "29 Nov 00:00"),
    ],
)
def test_a_moment_of_the_last_twelve_hours_needs_no_date(
    app: Flask, session: Session, hall: Hall, now: str, moment: str, shown: str
) -> None:
    """At 00:08 a start of 23:56 was not yesterday for those in the room. Its title has the date."""
    at = datetime.fromisoformat(now + "+00:00")
    started = datetime.fromisoformat(moment + "+00:00")
    test = hall.test(starts_at=started - timedelta(hours=3), ends_at=started + timedelta(hours=3))
    hall.candidacy(test, started_at=started)
    view = View(EVERYTHING, Filter(), Presentation(columns=("name", "started")), at)
    with app.test_request_context():
        html = row_macros(view).print_rows(load_listing(session, view).rows)
    [(title, text)] = re.findall(r'<time [^>]*title="([^"]*)">(.*?)</time>', html)
    assert re.sub("<[^>]*>", "", text) == shown
    assert title == f"{started.day} Nov 2026 {started:%H:%M} UTC"


@pytest.mark.parametrize(
    ("now", "first", "end"),
    [
        ("2026-11-28T23:30", "2026-11-28T11:00", "2026-11-29T23:00"),
        ("2026-11-28T22:30", "2026-11-27T23:00", "2026-11-28T23:00"),
        ("2026-10-25T12:30", "2026-10-24T22:00", "2026-10-25T23:00"),
    ],
)
def test_today_is_that_of_the_installation(now: str, first: str, end: str) -> None:
    """In Oslo a day begins at 23:00 in UTC, in summer at 22:00, and has 25 hours when the clocks go back."""
    bounds = undated(datetime.fromisoformat(now + "+00:00"), ZoneInfo("Europe/Oslo"))
    assert [f"{bound:%Y-%m-%dT%H:%M}" for bound in bounds] == [first, end]
