"""Accounts: passwords, signing in and out."""

from __future__ import annotations

from flask import Flask

from webapp.accounts.views import blueprint
from webapp.extensions import db, login
from webapp.models import User, kept_id


def init_app(app: Flask) -> None:
    """Join this part to the application."""
    app.register_blueprint(blueprint)
    login.user_loader(load_user)


def load_user(kept: str) -> User | None:
    """The person of a session, from what `User.get_id()` had put there; None once their epoch is over."""
    found = kept_id(kept)
    if found is None:
        return None
    user_id, epoch = found
    user = db.session.get(User, user_id)
    return user if user is not None and user.epoch == epoch else None
