"""Tests, their contributors and candidacies, and the answers."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.extensions import Model
from webapp.models.people import User


class Role(StrEnum):
    """A contributor's role in one test, the highest last."""

    INVIGILATOR = "invigilator"
    CHIEF_INVIGILATOR = "chief_invigilator"
    PLANNER = "planner"


class Attendance(StrEnum):
    """What an invigilator has noted. NULL if nothing; the filter calls it `unset`."""

    PRESENT = "present"
    ABSENT = "absent"


class Test(Model):
    """An exam on one date. A roster knows it by its title and local start date."""

    __table_args__ = (
        UniqueConstraint("title", "start_date"),
        CheckConstraint("ends_at > starts_at", "ends_after_start"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    start_date: Mapped[date]
    """The date of `starts_at` in the installation's zone."""
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    """Closed for grading: contributors no longer get in, and no message reaches its candidates (R26)."""
    reopened_at: Mapped[datetime | None]
    """When it was last opened again: the time until it closes by itself starts anew."""
    help_kinds: Mapped[str] = mapped_column(Text, default="")
    """What candidates may ask for help with, as a JSON list in order; empty for the usual kinds."""


class Question(Model):
    """A question with a text answer. A test without any gets one with an empty prompt when it is first started."""

    __table_args__ = (UniqueConstraint("test_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    test_id: Mapped[int] = mapped_column(ForeignKey(Test.id))
    position: Mapped[int]
    prompt: Mapped[str] = mapped_column(Text, default="")


class Contribution(Model):
    """A person's role in a test, limited to one room or (None) not."""

    __table_args__ = (
        UniqueConstraint("user_id", "test_id"),
        CheckConstraint("role IN ('invigilator', 'chief_invigilator', 'planner')", "role_known"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    test_id: Mapped[int] = mapped_column(ForeignKey(Test.id), index=True)
    role: Mapped[Role] = mapped_column(String(20))
    room: Mapped[str | None] = mapped_column(String(100))

    user: Mapped[User] = relationship(lazy="raise")
    test: Mapped[Test] = relationship(lazy="raise")


def index_if_set(column: str) -> Index:
    """An index over the rows in which a column is not NULL."""
    is_set = text(f"{column} IS NOT NULL")
    return Index(None, column, sqlite_where=is_set, postgresql_where=is_set)


PROGRESS = ("withdrawn_at", "submitted_at", "blank", "paused_at", "started_at", "entered_at", "id")
TRIGRAMS: Any = {"postgresql_using": "gin", "postgresql_ops": {"search_text": "gin_trgm_ops"}}
ON_POSTGRESQL = {"only_on": "postgresql"}
"""SQLite has no trigrams, and its planner would use the index over progress wrongly."""


class Candidacy(Model):
    """One person in one test: what the roster says, what invigilators note, and what happens during the test.

    `last_seen` and `saved_at` change every few seconds and no index holds them, so PostgreSQL writes the new version of
    the row beside the old one (a heap-only tuple). The fill factor leaves the room for it. Progress, connection and
    warnings are derived (`models/status.py`).
    """

    __table_args__ = (
        UniqueConstraint("user_id", "test_id"),
        UniqueConstraint("test_id", "number"),
        CheckConstraint("attendance IN ('present', 'absent')", "attendance_known"),
        CheckConstraint("extra_minutes >= 0 AND incident_minutes >= 0", "minutes_not_negative"),
        Index(None, "test_id", "room"),
        Index(None, "test_id", "group_name"),
        Index(None, "test_id", "sort_name"),
        index_if_set("changed_at"),
        index_if_set("submitted_at"),
        Index("ix_candidacy_progress", *PROGRESS, info=ON_POSTGRESQL).ddl_if(dialect="postgresql"),
        Index("ix_candidacy_search_text", "search_text", info=ON_POSTGRESQL, **TRIGRAMS).ddl_if(dialect="postgresql"),
        {"postgresql_with": {"fillfactor": 50}},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    test_id: Mapped[int] = mapped_column(ForeignKey(Test.id))
    extra_minutes: Mapped[int] = mapped_column(default=0)
    incident_minutes: Mapped[int] = mapped_column(default=0)
    flagged: Mapped[bool] = mapped_column(default=False, index=True)
    id_checked: Mapped[bool] = mapped_column(default=False)
    blank: Mapped[bool] = mapped_column(default=False)
    """Submitted without a word in any answer. Written with the submission."""
    last_seen: Mapped[datetime | None]
    """When the person was last heard of, in any test (`push/presence.py`)."""
    left_at: Mapped[datetime | None]
    """When the person's last stream closed. It counts only if it is after `last_seen`."""
    back_at: Mapped[datetime | None]
    """When the person last came back after a long absence during the test."""
    entered_at: Mapped[datetime | None]
    """First seen on the dashboard, from an hour before the test's start on."""
    started_at: Mapped[datetime | None] = mapped_column(index=True)
    saved_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    changed_at: Mapped[datetime | None]
    """When something last changed that the candidate's pages show. Written by triggers; pages are told by it
    (`exams/changes.py`), and a save that waited sees by it that its test was closed (`exams/answers.py`)."""
    attendance: Mapped[Attendance | None] = mapped_column(String(10), index=True)
    number: Mapped[str] = mapped_column(String(50))
    """The candidate ID, unique in its test."""
    group_name: Mapped[str] = mapped_column(String(100), default="", index=True)
    room: Mapped[str] = mapped_column(String(100), default="", index=True)
    building: Mapped[str] = mapped_column(String(100), default="")
    seat: Mapped[str] = mapped_column(String(50), default="")
    note: Mapped[str] = mapped_column(String(500), default="")
    """What staff note about the candidate, who never sees it."""
    question_set: Mapped[str] = mapped_column(String(100), default="")
    # written together by `monitor/search_text.py`
    sort_name: Mapped[str] = mapped_column(Text, default="", deferred=True, index=True)
    """The person's name, case-folded: the default order of lists."""
    sort_number: Mapped[str] = mapped_column(Text, default="", deferred=True)
    """The candidate ID in natural order."""
    search_text: Mapped[str] = mapped_column(Text, default="", deferred=True)
    """Case-folded searchable columns, separated by a character that nobody can type."""

    user: Mapped[User] = relationship(lazy="raise")
    test: Mapped[Test] = relationship(lazy="raise")


class Absence(Model):
    """A long time during the test in which nothing was heard of the candidate. Noted when they are back."""

    __table_args__ = (UniqueConstraint("candidacy_id", "since"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    candidacy_id: Mapped[int] = mapped_column(ForeignKey(Candidacy.id))
    since: Mapped[datetime]
    until: Mapped[datetime]


class Answer(Model):
    """A candidate's answer to one question, as it was last saved."""

    __table_args__ = (UniqueConstraint("candidacy_id", "question_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    candidacy_id: Mapped[int] = mapped_column(ForeignKey(Candidacy.id))
    question_id: Mapped[int] = mapped_column(ForeignKey(Question.id))
    text: Mapped[str] = mapped_column("text", Text)
    saved_at: Mapped[datetime]
