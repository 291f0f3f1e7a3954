"""Accounts: passwords, signing in and out."""

from __future__ import annotations

import re

from flask import Flask

from webapp.accounts.views import blueprint
from webapp.extensions import db, login
from webapp.models import User


def init_app(app: Flask) -> None:
    """Join this part to the application."""
    app.register_blueprint(blueprint)
    login.user_loader(load_user)


def load_user(kept: str) -> User | None:
    """The person of a session, from what `User.get_id()` had put there; None once their epoch is over."""
    match = re.fullmatch(r"(\d{1,18})\.(\d{1,18})", kept, re.ASCII)
    if match is None:
        return None
    user = db.session.get(User, int(match[1]))
    return user if user is not None and user.epoch == int(match[2]) else None
