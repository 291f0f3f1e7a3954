"""Schedules in tests: posts forms that make them, and is the loop of a process that looks what is due."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.messaging.compose_form import open_dialog, post
from webapp.db.transactions import writing
from webapp.messaging.due import DueSchedules
from webapp.messaging.forecast import Installation
from webapp.models import Candidacy, Delivery, Message, Schedule, ScheduledPerson

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@dataclass
class Process:
    """One process that looks for what is due; its clock is set by hand."""

    session: Session
    now: datetime
    due: DueSchedules = field(default_factory=DueSchedules)
    announced: list[tuple[int, list[int]]] = field(default_factory=list)
    limit: int = 1500

    def look(self, after: timedelta = timedelta(0), **more: Any) -> list[list[int]]:
        """Look once, `after` the last look; gives the user ids of each batch that it has announced."""
        self.now += after
        known = len(self.announced)
        self.session.rollback()
        self.due.step(self.session, self.installation(**more))
        return [user_ids for _, user_ids in self.announced[known:]]

    def restart(self) -> None:
        """Forget what it knows, as another process would."""
        self.due = DueSchedules()

    def installation(self, **more: Any) -> Installation:
        """As this process sees it."""

        def announce(message: Message, user_ids: list[int]) -> None:
            self.announced.append((message.id, user_ids))

        given = {
            "limit": self.limit,
            "zone": ZoneInfo("Europe/Stockholm"),
            "announce": announce,
            "clock": lambda: self.now,
        }
        return Installation(**{**given, **more})


def local(app: Flask, moment: datetime) -> str:
    """A moment as forms say it."""
    return f"{moment.astimezone(app.config['SETTINGS'].timezone):%Y-%m-%dT%H:%M}"


def schedule(browser: FlaskClient, form: Any = None, **fields: Any) -> TestResponse:
    """Post a compose form, by default one for everybody in the list."""
    return post(browser, open_dialog(browser, scope="filtered") if form is None else form, **fields)


def number_of(answer: TestResponse) -> int:
    """The id of the schedule that a form has made."""
    assert answer.status_code == 201, answer.text
    return int(answer.headers["Location"].rpartition("/")[2])


def state_of(session: Session, number: int) -> tuple[str, str]:
    """State and reason of a schedule."""
    session.rollback()
    found = session.get_one(Schedule, number, populate_existing=True)
    return found.state, found.reason


def got(session: Session) -> dict[int, int]:
    """User id → how many messages they have got."""
    session.rollback()
    users = list(session.scalars(select(Delivery.user_id)))
    return {user_id: users.count(user_id) for user_id in users}


def missed(session: Session, number: int) -> set[int]:
    """The persons whom a schedule has missed."""
    session.rollback()
    query = select(ScheduledPerson.user_id).filter_by(schedule_id=number, missed=True)
    return set(session.scalars(query))


def set_columns(session: Session, candidacy: Candidacy, **columns: object) -> None:
    """Change a candidacy as an action would."""
    with writing(session):
        session.execute(update(Candidacy).where(Candidacy.id == candidacy.id).values(**columns))


def words_of(html: str) -> str:
    """What stands in a piece of HTML, in one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())
