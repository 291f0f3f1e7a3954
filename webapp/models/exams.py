"""Tests, who contributes to them, who sits them, and what is answered."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

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
    """Closed for grading: contributors no longer get in."""

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


class Candidacy(Model):
    """One person in one test. Progress, status and warnings are derived from it (`models/derived.py`)."""

    __tablename__ = "candidacy"
    __table_args__ = (
        UniqueConstraint("user_id", "test_id"),
        UniqueConstraint("test_id", "number"),
        CheckConstraint("attendance IN ('present', 'absent')", "attendance_known"),
        CheckConstraint("extra_minutes >= 0 AND incident_minutes >= 0", "minutes_not_negative"),
        Index(None, "test_id", "room"),
        Index(None, "test_id", "group_name"),
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
    extra_minutes: Mapped[int] = mapped_column(default=0)
    incident_minutes: Mapped[int] = mapped_column(default=0)
    entered_at: Mapped[datetime | None] = mapped_column(Instant)
    """First seen on the dashboard, from an hour before the test's start on."""
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    paused_at: Mapped[datetime | None] = mapped_column(Instant)
    saved_at: Mapped[datetime | None] = mapped_column(Instant)
    submitted_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    was_offline: Mapped[bool] = mapped_column(default=False)
    """Went offline while in progress and came back; one who is away now is derived."""
    flagged: Mapped[bool] = mapped_column(default=False)
    attendance: Mapped[Attendance | None] = mapped_column(String(10))
    id_checked: Mapped[bool] = mapped_column(default=False)
    search_text: Mapped[str] = mapped_column(Text, default="")
    """Case-folded searchable columns, apart by a character that cannot be typed (`planning/search_text.py`)."""

    user: Mapped[User] = relationship(lazy="raise")
    test: Mapped[Test] = relationship(lazy="raise")


class Answer(Model):
    """What a candidate has written to one question; the latest save."""

    __tablename__ = "answer"
    __table_args__ = (UniqueConstraint("candidacy_id", "question_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    candidacy_id: Mapped[int] = mapped_column(ForeignKey(Candidacy.id))
    question_id: Mapped[int] = mapped_column(ForeignKey(Question.id))
    text: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[datetime] = mapped_column(Instant)
