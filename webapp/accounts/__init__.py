"""Accounts: passwords, signing in and out."""

from __future__ import annotations

from flask import Flask, session
from sqlalchemy import select

from webapp import push
from webapp.accounts.views import blueprint
from webapp.extensions import db, login
from webapp.models import User, kept_id


def init_app(app: Flask) -> None:
    """Join this part to the application."""
    app.register_blueprint(blueprint)
    login.user_loader(load_user)


def load_user(kept: str) -> User | None:
    """The person of a session, from what `User.get_id()` had put there; None once it has ended."""
    found = kept_id(kept)
    if found is None:
        return None
    user_id, epoch = found
    ended = push.has_ended(session.get("sid", ""))
    return db.session.scalar(select(User).where(User.id == user_id, User.epoch == epoch, ~ended))
