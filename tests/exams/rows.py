"""Rows and browsers that a candidate's pages are tested with."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.hall import Hall, signed_in
from tests.messaging.compose_form import csrf
from webapp.clock import utcnow
from webapp.db.transactions import writing
from webapp.models import Candidacy, Delivery, Message, Question, Role, SessionClaims, User


def delivered(hall: Hall, candidacy: Candidacy, **fields: object) -> int:
    """A message from a chief invigilator, delivered to this candidate; gives its number."""
    user_id = candidacy.user_id
    sender_id = hall.person().id
    with writing(hall.session):
        number = (hall.session.scalar(select(func.max(Message.id))) or 0) + 1
        given = {
            "subject": "Fire drill",
            "body": "Stay seated.",
            "sender_role": Role.CHIEF_INVIGILATOR,
            "sent_at": utcnow(),
        }
        hall.session.add(
            Message(
                id=number,
                sender_id=sender_id,
                sender_name="Chief",
                audience="{}",
                persons=1,
                candidacies=1,
                idempotency_key=f"key-{number}",
                content_digest="0",
                **{**given, **fields},
            )
        )
        hall.session.flush()
        hall.session.add(Delivery(message_id=number, user_id=user_id))
    return number


def person_of(hall: Hall, candidacy: Candidacy) -> User:
    """The candidate's user row."""
    return hall.session.get_one(User, candidacy.user_id)


def question_of(hall: Hall, test_id: int, prompt: str = "Why?") -> int:
    """A first question of this test; gives its id."""
    with writing(hall.session):
        question = Question(test_id=test_id, position=1, prompt=prompt)
        hall.session.add(question)
        hall.session.flush()
        return question.id


def session_of(user_id: int) -> SessionClaims:
    """A session of this person that counts, as long as there is no new password."""
    return SessionClaims(user_id, 0, "hers")


def browser_of(app: Flask, user: User | None = None) -> FlaskClient:
    """A browser, signed in or not, that sends the CSRF token of its session with everything."""
    client = signed_in(app, user) if user else app.test_client()
    client.environ_base["HTTP_X_CSRFTOKEN"] = csrf(client)
    return client
