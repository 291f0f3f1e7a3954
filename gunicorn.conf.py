"""gunicorn -c gunicorn.conf.py wsgi:app: one process with gevent; `-b` and `-w` on the command line override this."""

from __future__ import annotations

import sys
from pathlib import Path

import gevent
from gunicorn.http import message

sys.path.insert(0, str(Path(__file__).resolve().parent / "deploy"))
from gunicorn_start import JsonLogger, check_start, limit_collections, raise_file_limit
from gunicorn_worker import StreamWorker

gevent.config.track_greenlet_tree = False  # nobody asks where a greenlet was spawned, and it takes half a kilobyte
raise_file_limit()

bind = "127.0.0.1:8000"
workers = 1
worker_class = StreamWorker
worker_connections = 22_000  # a page without a balancer has two: EXAMHALL_STREAMS_PER_PROCESS (10,000), and its pings
backlog = 4096  # a hall that reconnects after a restart comes within a second

timeout = 60  # without a sign of life from a worker's loop, which streams do not hold up
graceful_timeout = 15  # a request waits up to 10 s for a busy database; streams and idle connections end at once
keepalive = 75  # longer than a balancer keeps its connections (60 s), so that it never meets one just closed
max_requests = 0  # a worker that restarts would cut every stream

limit_request_line = 65_536  # the monitor's address holds its filter: 500 rooms with long names (R18)
limit_request_fields = 64
limit_request_field_size = 8190
message.MAX_REQUEST_LINE = limit_request_line  # gunicorn takes no larger setting than this constant of its own

accesslog = None  # addresses carry searches for names: `/metrics` counts requests, and a balancer logs as it is told
errorlog = "-"
loglevel = "info"
logger_class = JsonLogger
forwarder_headers = ""  # SCRIPT_NAME and PATH_INFO come from nobody's header
control_socket_disable = True  # its default path is one per user: two halls on a machine would share it
proc_name = "examhall"

on_starting = check_start
post_worker_init = limit_collections
