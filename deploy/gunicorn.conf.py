"""gunicorn -c deploy/gunicorn.conf.py wsgi:app: several processes, behind nginx; all else as in the file above it.

As many processes as there are cores, or `WEB_CONCURRENCY`; `-w` and `-b` on the command line override. A socket that
systemd hands over is used instead of the address. Several processes need PostgreSQL, and Redis for messages at once.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

_spec = importlib.util.spec_from_file_location(
    "examhall_gunicorn", Path(__file__).resolve().parent.parent / "gunicorn.conf.py"
)
if _spec is None or _spec.loader is None:
    raise RuntimeError("gunicorn.conf.py is not there")
_one_process = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_one_process)
globals().update({name: value for name, value in vars(_one_process).items() if not name.startswith("_")})

workers = int(os.environ.get("WEB_CONCURRENCY") or len(os.sched_getaffinity(0)))
