"""What every template can call: times, addresses of assets, who is looking."""

import hashlib
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from flask import Flask, current_app, url_for
from flask_babel import format_decimal, lazy_gettext

from webapp.clock import utcnow
from webapp.db.types import microseconds
from webapp.web.times import time_tag

ROLE_LABELS = {
    "invigilator": lazy_gettext("Invigilator"),
    "chief_invigilator": lazy_gettext("Chief invigilator"),
    "planner": lazy_gettext("Planner"),
}


def asset(path: str) -> str:
    """The address of a static file, with a piece of its checksum, so that browsers may keep it for a year."""
    folder = Path(current_app.static_folder or "")
    return url_for("static", filename=path, v=_checksum(folder / path, (folder / path).stat().st_mtime_ns))


@lru_cache(maxsize=256)
def _checksum(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def milliseconds(moment: datetime) -> int:
    """A moment as scripts count it: milliseconds since 1970."""
    return microseconds(moment) // 1000


def server_time() -> int:
    """The current time for scripts, in milliseconds since 1970: a computer's own clock may be days off."""
    return milliseconds(utcnow())


def role_label(role: str) -> str:
    """The name of a role; empty for none."""
    return str(ROLE_LABELS.get(role, role))


def init_app(app: Flask) -> None:
    """Give the templates their functions."""
    app.add_template_global(asset)
    app.add_template_global(time_tag)
    app.add_template_global(server_time)
    app.add_template_global(milliseconds)
    app.add_template_filter(role_label)
    app.add_template_filter(format_decimal, "number")
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 365 * 24 * 3600
