"""Presence: when a person was last heard of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from webapp.database import Instant
from webapp.extensions import Model
from webapp.models.people import User


class Presence(Model):
    """A row per person who was ever here, written in batches by the processes that heard them."""

    __tablename__ = "presence"

    user_id: Mapped[int] = mapped_column(ForeignKey(User.id), primary_key=True, autoincrement=False)
    last_seen: Mapped[datetime] = mapped_column(Instant)
    left_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the last stream was closed, if the person did not come back; counts only if after `last_seen`."""
