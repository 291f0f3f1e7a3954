"""What every template can call: times, addresses of assets, who is looking."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Flask, current_app, url_for

from webapp.timezone import time_tag


def asset(path: str) -> str:
    """The address of a static file, with a piece of its checksum, so that browsers may keep it for a year."""
    folder = Path(current_app.static_folder or "")
    return url_for("static", filename=path, v=_checksum(folder / path, (folder / path).stat().st_mtime_ns))


@lru_cache(maxsize=256)
def _checksum(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def init_app(app: Flask) -> None:
    """Give the templates their functions."""
    app.add_template_global(asset)
    app.add_template_global(time_tag)
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 365 * 24 * 3600
