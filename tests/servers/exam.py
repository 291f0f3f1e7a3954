"""An exam as every server gets it: an invigilator, candidates, and browsers that keep their connections."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.hall import Hall
from tests.server import PASSWORD
from webapp.accounts.passwords import hash_password


def hold_exam(hall: Hall, candidates: int) -> list[str]:
    """A test that runs now, with the invigilator `ines`; gives the candidates' usernames."""
    test, secret = hall.test("Algebra"), hash_password(PASSWORD)
    hall.contributor(test, user=hall.person("Ines", username="ines", password_hash=secret))
    names = [f"candidate{number}" for number in range(1, candidates + 1)]
    for name in names:
        hall.candidacy(test, hall.person(name.title(), username=name, password_hash=secret))
    hall.session.rollback()
    return names


@contextmanager
def idle_connections(port: int, size: int) -> Iterator[None]:
    """So many browsers that have had a page and keep their connections, as far as the server leaves them open."""
    with ExitStack() as opened:
        for number in range(size):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 200", f"connection {number + 1} got no answer"
        yield
