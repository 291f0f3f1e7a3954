"""The floor: a server that does nothing but write given bytes to all its sockets when told to; raw epoll, no HTTP.

Run as a process: `python -m tests.bench.floor PORT BYTES`. A connection whose first byte is `!` is the trigger: each
byte that follows on it has the payload written to every other connection.
"""

from __future__ import annotations

import selectors
import socket
import sys


def serve(port: int, size: int) -> None:
    """Serve until killed."""
    payload = b"id: 1\n" + b"x" * (size - 7) + b"\n"
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    streams: set[socket.socket] = set()
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                connection, _address = listener.accept()
                selector.register(connection, selectors.EVENT_READ)
                continue
            connection = key.fileobj  # type: ignore[assignment]
            data = connection.recv(4096)
            if not data:
                selector.unregister(connection)
                streams.discard(connection)
                connection.close()
            elif data.startswith(b"!"):
                for stream in streams:
                    stream.sendall(payload)
            else:
                streams.add(connection)
                connection.sendall(b"event: beat\n\n")


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
