"""Tests, who contributes to them, who sits them, and what is answered."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from webapp.database import Instant
from webapp.extensions import Model
from webapp.models.people import User


class Role(StrEnum):
    """What somebody is in one test."""

    INVIGILATOR = "invigilator"
    CHIEF_INVIGILATOR = "chief_invigilator"
    PLANNER = "planner"


class Attendance(StrEnum):
    """What an invigilator has noted; nothing noted is stored as NULL and filtered as `unset`."""

    PRESENT = "present"
    ABSENT = "absent"


class Test(Model):
    """One sitting of an exam. A roster knows it by its title and local start date."""

    __tablename__ = "test"
    __table_args__ = (
        UniqueConstraint("title", "start_date"),
        CheckConstraint("ends_at > starts_at", "ends_after_start"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    start_date: Mapped[date]
    """The date of `starts_at` in the installation's zone."""
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    """Closed for grading: contributors no longer get in, and nobody in it is reached (R26)."""
    reopened_at: Mapped[datetime | None] = mapped_column(Instant)
    """When it was last opened again after it had been closed: from then on it closes by itself anew."""

    questions: Mapped[list[Question]] = relationship(back_populates="test", order_by="Question.position", lazy="raise")


class Question(Model):
    """A question with a text answer. A test without any gets one with an empty prompt when it is first started."""

    __tablename__ = "question"
    __table_args__ = (UniqueConstraint("test_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    test_id: Mapped[int] = mapped_column(ForeignKey(Test.id))
    position: Mapped[int]
    prompt: Mapped[str] = mapped_column(Text, default="")

    test: Mapped[Test] = relationship(back_populates="questions", lazy="raise")


class Contribution(Model):
    """Who works in a test, as what, and in which room only (None: in all)."""

    __tablename__ = "contribution"
    __table_args__ = (
        UniqueConstraint("user_id", "test_id"),
        CheckConstraint("role IN ('invigilator', 'chief_invigilator', 'planner')", "role_known"),
        Index(None, "test_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    test_id: Mapped[int] = mapped_column(ForeignKey(Test.id))
    role: Mapped[Role] = mapped_column(String(20))
    room: Mapped[str | None] = mapped_column(String(100))


SUBMITTED = "submitted_at IS NOT NULL"
CHANGED = "changed_at IS NOT NULL"


class RosterEntry(Model):
    """What is said of a candidacy before the test, by the roster, and noted of it by invigilators: seldom written."""

    __tablename__ = "candidacy"
    __table_args__: Any = (
        UniqueConstraint("user_id", "test_id"),
        UniqueConstraint("test_id", "number"),
        CheckConstraint("attendance IN ('present', 'absent')", "attendance_known"),
        Index(None, "test_id", "room"),
        Index(None, "test_id", "group_name"),
        Index(None, "test_id", "sort_name"),
        Index(None, "sort_name"),
        Index(None, "room"),
        Index(None, "group_name"),
        Index(None, "flagged"),
        Index(None, "attendance"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    test_id: Mapped[int] = mapped_column(ForeignKey(Test.id))
    number: Mapped[str] = mapped_column(String(50))
    """The candidate ID, unique in its test."""
    group_name: Mapped[str] = mapped_column(String(100), default="")
    room: Mapped[str] = mapped_column(String(100), default="")
    building: Mapped[str] = mapped_column(String(100), default="")
    seat: Mapped[str] = mapped_column(String(50), default="")
    question_set: Mapped[str] = mapped_column(String(100), default="")
    flagged: Mapped[bool] = mapped_column(default=False)
    attendance: Mapped[Attendance | None] = mapped_column(String(10))
    id_checked: Mapped[bool] = mapped_column(default=False)
    sort_name: Mapped[str] = mapped_column(Text, default="")
    """The person's name, case folded: what lists are sorted by at first, written together with the search text."""
    sort_number: Mapped[str] = mapped_column(Text, default="", server_default="")
    """The candidate ID as it is sorted (`natural_sort_key`), written together with the search text."""

    user: Mapped[User] = relationship(lazy="raise")
    test: Mapped[Test] = relationship(lazy="raise")


class Candidacy(RosterEntry):
    """One person in one test: the roster's entry, and the attempt, which is all that happens in the test.

    Progress, status and warnings are derived from the attempt (`models/derived.py`). It has a table of its own,
    because it is written every few seconds and counted over a nation: with presence in it, in a third of the time.
    """

    __tablename__ = "attempt"
    __table_args__: Any = (
        CheckConstraint("extra_minutes >= 0 AND incident_minutes >= 0", "minutes_not_negative"),
        Index(None, "user_id", "test_id"),
        Index(None, "test_id"),
        Index(None, "started_at"),
        Index(None, "changed_at", sqlite_where=text(CHANGED), postgresql_where=text(CHANGED)),
        Index(None, "submitted_at", sqlite_where=text(SUBMITTED), postgresql_where=text(SUBMITTED)),
        # none on `saved_at` and `last_seen`: they change every few seconds, and each change would be written in every
        # index. PostgreSQL has one more: what tells the seven stages of progress apart, to count one of them without a
        # look at the rows (SQLite does not know that most candidates are in the same one: it would read them by this
        # index, and be slower)
        Index(
            "ix_attempt_progress",
            *("withdrawn_at", "submitted_at", "blank", "paused_at", "started_at", "entered_at", "candidacy_id"),
            info={"only_on": "postgresql"},
        ).ddl_if(dialect="postgresql"),
    )

    candidacy_id: Mapped[int] = mapped_column(ForeignKey(RosterEntry.id), primary_key=True, autoincrement=False)
    # as in the roster's entry, so that a test's attempts, and a person's, are found by their own table
    test_id: Mapped[int] = column_property(Column("test_id", Integer, nullable=False), RosterEntry.test_id)
    user_id: Mapped[int] = column_property(Column("user_id", Integer, nullable=False), RosterEntry.user_id)
    extra_minutes: Mapped[int] = mapped_column(default=0)
    incident_minutes: Mapped[int] = mapped_column(default=0)
    back_at: Mapped[datetime | None] = mapped_column(Instant)
    """When its person last came back after a long absence during the test (`models/derived.py: LONG_ABSENCE`)."""
    # those that are asked for most stand first: a database reads a row up to the last one that it needs
    last_seen: Mapped[datetime | None] = mapped_column(Instant)
    """When its person was last heard of, wherever that was (`push/presence.py`); None if never."""
    left_at: Mapped[datetime | None] = mapped_column(Instant)
    """When their last stream was closed, if they did not come back; counts only if after `last_seen`."""
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    saved_at: Mapped[datetime | None] = mapped_column(Instant)
    submitted_at: Mapped[datetime | None] = mapped_column(Instant)
    paused_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    entered_at: Mapped[datetime | None] = mapped_column(Instant)
    """First seen on the dashboard, from an hour before the test's start on."""
    blank: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Submitted without a word in any answer: noted with the submission, after which no answer is taken."""
    changed_at: Mapped[datetime | None] = mapped_column(Instant)
    """When something last changed that the candidate's pages must be told (`exams/changes.py`)."""


class SearchText(Model):
    """What a search looks in: by itself, because a phrase that many have is looked for in each of half a million."""

    __tablename__ = "search_text"
    __table_args__ = (
        Index(None, "test_id"),
        # PostgreSQL: the parts of words; SQLite looks at each text
        Index(
            "ix_search_text_text",
            "text",
            postgresql_using="gin",
            postgresql_ops={"text": "gin_trgm_ops"},
            info={"only_on": "postgresql"},
        ).ddl_if(dialect="postgresql"),
    )

    candidacy_id: Mapped[int] = mapped_column(ForeignKey(RosterEntry.id), primary_key=True, autoincrement=False)
    test_id: Mapped[int]
    """As in the roster's entry."""
    text: Mapped[str] = mapped_column("text", Text)
    """Case-folded searchable columns, apart by a character that cannot be typed (`planning/search_text.py`)."""


ENTRIES: Any = RosterEntry.__table__
ATTEMPTS: Any = Candidacy.__table__
TEXTS: Any = SearchText.__table__
"""The tables of a candidacy, for statements that look at, or write, some of them only."""


class Answer(Model):
    """What a candidate has written to one question; the latest save."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("candidacy_id", "question_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    candidacy_id: Mapped[int] = mapped_column(ForeignKey(RosterEntry.id))
    question_id: Mapped[int] = mapped_column(ForeignKey(Question.id))
    text: Mapped[str] = mapped_column("text", Text)
    saved_at: Mapped[datetime] = mapped_column(Instant)
