"""gunicorn -c deploy/gunicorn.conf.py wsgi:app: several processes, behind nginx; all else as in the file above it.

As many processes as there are cores, or `WEB_CONCURRENCY`; `-w` and `-b` on the command line override. A socket that
systemd hands over is used instead of the address. Several processes need PostgreSQL, and Redis for messages at once.
"""

from __future__ import annotations

import os
import runpy
from pathlib import Path

_one_process = runpy.run_path(str(Path(__file__).resolve().parent.parent / "gunicorn.conf.py"))
globals().update({name: value for name, value in _one_process.items() if not name.startswith("_")})

workers = int(os.environ.get("WEB_CONCURRENCY") or len(os.sched_getaffinity(0)))
