"""What happens in the hall beside messages: actions on candidates, incidents, requests for help, saved views."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Model
from webapp.models.exams import Candidacy, Test
from webapp.models.people import User

OPEN = "ended_at IS NULL"


class CandidateAction(Model):
    """An action that was taken on candidates. Its id is the number of its log entry, which has the values."""

    __table_args__ = (UniqueConstraint("actor_id", "idempotency_key"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    actor_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    idempotency_key: Mapped[str] = mapped_column(String(64))
    content_digest: Mapped[str] = mapped_column(String(64))
    outcome: Mapped[str] = mapped_column(Text)
    """JSON: whom it reached, for whom it stood so already, and whom it could not reach and why. The same form posted
    again gets it again (R2)."""


class Incident(Model):
    """A time in which a part of the hall could not write; everybody concerned gets its minutes when it ends."""

    __table_args__ = (CheckConstraint("ended_at >= started_at", "ends_after_start"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    started_by: Mapped[int] = mapped_column(ForeignKey(User.id))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(500))
    audience: Mapped[str] = mapped_column(Text)
    """JSON: the filter or the list that chose the candidates."""


class IncidentCandidacy(Model):
    """A candidacy that an incident has paused. Who was paused before is not among them."""

    incident_id: Mapped[int] = mapped_column(ForeignKey(Incident.id), primary_key=True)
    candidacy_id: Mapped[int] = mapped_column(ForeignKey(Candidacy.id), primary_key=True, index=True)


class HelpRequest(Model):
    """A candidate's request for help; open until it is done or taken back, one at a time (R31)."""

    __table_args__ = (
        CheckConstraint("length(kind) BETWEEN 1 AND 60", "kind_length"),
        CheckConstraint("(claimed_by IS NULL) = (claimed_at IS NULL)", "claim_whole"),
        Index(
            "uq_help_request_open",
            "candidacy_id",
            unique=True,
            sqlite_where=text(OPEN),
            postgresql_where=text(OPEN),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    candidacy_id: Mapped[int] = mapped_column(ForeignKey(Candidacy.id), index=True)
    kind: Mapped[str] = mapped_column(String(60))
    """`question`, `technical`, `other`, or a kind that the test's planners have named."""
    text: Mapped[str] = mapped_column("text", String(300), default="")
    asked_at: Mapped[datetime]
    claimed_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    """Who is going to the candidate."""
    claimed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)  # without it SQLite begins with all candidacies
    """When it was done or taken back."""
    ended_by: Mapped[int | None] = mapped_column(ForeignKey(User.id))
    """Who said that it is done; the candidate for one that was taken back."""


class SavedView(Model):
    """A filter with order and columns under a name. Planners share one with all staff of a test."""

    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id))
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(Text)
    """The query of the monitor's address, canonical and without a page."""
    test_id: Mapped[int | None] = mapped_column(ForeignKey(Test.id), index=True)
    """The test whose staff see it too."""
