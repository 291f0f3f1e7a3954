"""Examhall: instant messages from invigilators to candidates during an online exam."""

import os
from dataclasses import replace
from itertools import chain

from flask import Flask
from flask_login import current_user
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp import accounts, cli, health, logging, planning
from webapp.actions import incident_views
from webapp.actions import views as actions
from webapp.config import ROOT, Settings, load
from webapp.db.engine import configure_engine, engine_options
from webapp.exams import views as exams
from webapp.exams.absences import note_returns
from webapp.exams.changes import ChangedSittings
from webapp.extensions import csrf, db, login, migrate
from webapp.help_requests import views as help_requests
from webapp.logbook import views as logbook
from webapp.messaging import again_views, inbox_views, quick_text_views, receipt_views, schedule_views, sent_views
from webapp.messaging import views as messaging
from webapp.messaging.notices import MESSAGE_SOURCE
from webapp.monitor import display_views, saved_pages
from webapp.monitor import views as monitor
from webapp.push import views as push
from webapp.push.sweep import MessageSource
from webapp.web import errors, security, staff_bar, templating


def create_app(settings: Settings | None = None) -> Flask:
    """Join the parts to an application. Settings come from the environment unless given; raises `BadSetting`."""
    app = Flask(__name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    _configure(app, settings or load(os.environ))
    logging.configure()
    security.init_app(app)  # before the extensions: who is not signed in hears that, not that a token is missing
    _join_extensions(app)
    errors.init_app(app)
    templating.init_app(app)
    staff_bar.init_app(app)
    for part in (accounts, exams, help_requests, logbook, health, actions):
        part.init_app(app)
    app.register_blueprint(monitor.blueprint)
    app.register_blueprint(saved_pages.blueprint)
    app.register_blueprint(display_views.blueprint)
    app.register_blueprint(messaging.blueprint)
    app.register_blueprint(again_views.blueprint)
    app.register_blueprint(inbox_views.blueprint)
    app.register_blueprint(sent_views.blueprint)
    receipt_views.init_app(app)
    quick_text_views.init_app(app)
    app.register_blueprint(schedule_views.blueprint)
    app.register_blueprint(incident_views.blueprint)
    push.init_app(app, _message_source(), note_returns)
    schedule_views.send_when_due(app)
    planning.init_app(app)
    cli.init_app(app)
    _trust_proxies(app)
    return app


def _message_source() -> MessageSource:
    """What streams and the sweep read: messages, closed and withdrawn notices, changed sittings."""
    changed = ChangedSittings()
    return replace(
        MESSAGE_SOURCE,
        user_events_since=lambda since: chain(MESSAGE_SOURCE.user_events_since(since), changed.since(since)),
    )


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
        MAX_CONTENT_LENGTH=1024 * 1024,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        MAX_FORM_PARTS=20_000,
        SESSION_COOKIE_NAME=settings.cookie_name or security.cookie_name(settings.secret_key, settings.database_url),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # a form stays good as long as its session: an exam is longer than Flask-WTF's default hour
        WTF_CSRF_TIME_LIMIT=None,
        # behind TLS Flask-WTF would refuse a form whose browser sends no referrer
        WTF_CSRF_SSL_STRICT=False,
        BABEL_DEFAULT_LOCALE=settings.default_locale,
        BABEL_DEFAULT_TIMEZONE=str(settings.timezone),
    )
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}


def _trust_proxies(app: Flask) -> None:
    """The outermost of what is around Flask: all else sees the client's address and scheme."""
    if hops := app.config["SETTINGS"].trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]


def _join_extensions(app: Flask) -> None:
    db.init_app(app)
    with app.app_context():
        configure_engine(db.engine)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    login.session_protection = None  # a candidate whose address changes during the exam stays signed in
    login.init_app(app, add_context_processor=False)
    app.add_template_global(current_user, "current_user")  # loaded by those templates only that name it
    csrf.init_app(app)
