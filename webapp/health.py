"""For operators: `/healthz` (alive), `/readyz` (database, migrations and bus answer), `/metrics` (Prometheus)."""

import hmac
from functools import cache
from time import perf_counter

import structlog
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Blueprint, Flask, Response, current_app, g, request, request_started
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from werkzeug.exceptions import Forbidden

from webapp import metrics
from webapp.config import Settings
from webapp.db.outages import is_outage, outage_reason
from webapp.db.transactions import write_failure
from webapp.extensions import db
from webapp.push.service import current_push
from webapp.web.security import public

log = structlog.get_logger(__name__)
blueprint = Blueprint("operations", __name__)
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")
"""Headers of proxies: a request that has one comes from another machine."""


def init_app(app: Flask) -> None:
    """Join this part to the application and time its requests."""
    app.register_blueprint(blueprint)
    # sent before every `before_request`, so that refused requests are timed too
    request_started.connect(_start_timing, app)
    app.after_request(_observe)


def _start_timing(_app: Flask) -> None:
    g.started = perf_counter()


def _observe(response: Response) -> Response:
    if request.endpoint != "push.stream":  # lasts as long as its page
        taken = perf_counter() - g.started
        metrics.REQUESTS.labels(request.endpoint or "none", response.status_code).observe(taken)
    return response


@blueprint.get("/healthz")
@public
def healthz() -> Response:
    """Answers while the process lives, whatever the database does: it must not restart the server."""
    return Response("alive\n", mimetype="text/plain")


@blueprint.get("/readyz")
@public
def readyz() -> Response:
    """200, or 503 with what is missing and what to do. For the same requests as `/metrics`."""
    _require_operator()
    problem = _problem()
    if problem is None:
        return Response("ready\n", mimetype="text/plain")
    log.warning("not ready", problem=problem)
    return Response(f"{problem}\n", 503, {"Retry-After": "5"}, mimetype="text/plain")


@blueprint.get("/metrics")
@public
def show_metrics() -> Response:
    """This process's counters, for requests from this machine or with the token. No names, no addresses."""
    _require_operator()
    return Response(generate_latest(metrics.REGISTRY), content_type=CONTENT_TYPE_LATEST)


def _require_operator() -> None:
    settings: Settings = current_app.config["SETTINGS"]
    authorization, expected = request.headers.get("Authorization", ""), f"Bearer {settings.metrics_token}"
    has_token = settings.metrics_token is not None and hmac.compare_digest(authorization.encode(), expected.encode())
    if not has_token and not _comes_from_here():
        raise Forbidden


def _problem() -> str | None:
    try:
        with db.engine.connect() as connection:
            current = set(MigrationContext.configure(connection).get_current_heads())
    except Exception as error:
        if not is_outage(error):
            raise
        # not in the response, because the text may contain the database's address
        log.warning("readiness: database", error=outage_reason(error))
        return "The database does not answer."
    if current != _code_revisions(current_app.extensions["migrate"].directory):
        return "The database is not at this version's migrations. Run: flask --app wsgi db upgrade"
    reason = write_failure(db.engine)
    if reason is not None:
        log.warning("readiness: writing", error=reason)
        return "Nothing can be written to the database: its disk is full, or it is read-only."
    push = current_push()
    push.start()  # the bus connects with it: this may be the first request of the process
    if not push.bus.is_ready:
        return "The message bus does not answer."
    return None


@cache
def _code_revisions(directory: str) -> set[str]:
    """The newest migrations that this code has; read from disk once."""
    return set(ScriptDirectory(directory).get_heads())


def _comes_from_here() -> bool:
    address = request.remote_addr or ""  # a Unix socket has none
    is_local = address == "::1" or address.startswith("127.")
    return is_local and not any(name in request.headers for name in FORWARDED)
