"""Writing to an idle stream at once, past the greenlet that serves it: waking 1,500 greenlets takes longer.

See `docs/decisions/0007-direct-writes-to-idle-streams.md`.
"""

from __future__ import annotations

import os
import ssl
from functools import partial
from socket import SHUT_RDWR, socket
from typing import TYPE_CHECKING

from webapp.config import runs_on_gevent
from webapp.push.stream import DirectWriter

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def direct_writer(environ: WSGIEnvironment) -> DirectWriter | None:
    """A writer to this request's client, or None where only the server may write.

    gunicorn with gevent allows it: everything runs in one thread, the environment holds the client's socket, and a
    response without length goes out in chunks over HTTP/1.1.
    """
    client = environ.get("gunicorn.socket")
    if client is None or not runs_on_gevent() or environ.get("SERVER_PROTOCOL") != "HTTP/1.1":
        return None
    return None if isinstance(client, ssl.SSLSocket) else partial(_write_chunk, client)


def _write_chunk(client: socket, event: bytes) -> bool:
    """Write an HTTP chunk without waiting. False: nothing or only a part of it was written."""
    chunk = b"%X\r\n%b\r\n" % (len(event), event)
    try:
        written = os.write(client.fileno(), chunk)  # gevent's sockets never block
        if written < len(chunk):
            client.shutdown(SHUT_RDWR)  # nothing may follow a part of a chunk; the page reconnects
    except OSError:  # its buffer is full, or the client has gone: the stream's own greenlet finds out
        return False
    return written == len(chunk)
