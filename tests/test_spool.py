"""A download: no connection to the database waits for its client, and half a file is never taken for a whole one."""

from __future__ import annotations

import time
from collections.abc import Generator

import pytest
from flask import Flask
from structlog.testing import capture_logs

from tests.hall import Hall, signed_in
from tests.until import until
from webapp.extensions import db
from webapp.web.spool import Spool


def pieces_of(*given: bytes) -> Generator[bytes, None, None]:
    yield from given


def test_all_of_it_in_order() -> None:
    spool = Spool()
    spool.fill(pieces_of(*(b"%06d" % number for number in range(50_000))))
    assert b"".join(spool.parts()) == b"".join(b"%06d" % number for number in range(50_000))
    spool.close()


def test_a_failure_in_the_middle_cuts_it() -> None:
    def fail() -> Generator[bytes, None, None]:
        yield b"begun"
        raise ValueError("in the middle")

    spool = Spool()
    with capture_logs() as lines:
        spool.fill(fail())
        with pytest.raises(ConnectionResetError):
            list(spool.parts())
    spool.close()
    assert [line["event"] for line in lines] == ["a download could not be made"]


def test_what_nobody_reads_any_more_is_not_made() -> None:
    ended = []

    def on_and_on() -> Generator[bytes, None, None]:
        try:
            while True:
                yield b"more"
                time.sleep(0.01)
        finally:
            ended.append(True)

    spool = Spool()
    spool.fill(on_and_on())
    assert next(spool.parts())
    spool.close()
    until(lambda: ended == [True])


@pytest.mark.parametrize("address", ["/monitor.csv", "/log.csv"])
def test_an_unread_download_holds_no_connection(app: Flask, hall: Hall, address: str) -> None:
    test = hall.test()
    hall.candidacies(test, 1200)
    reader = signed_in(app, hall.contributor(test))
    answer = reader.get(address)
    assert answer.status_code == 200
    with app.app_context():
        pool = db.engine.pool
    hall.session.rollback()
    until(lambda: pool.checkedout() == 0)  # type: ignore[attr-defined]
    assert len(answer.data.splitlines()) == (1201 if address == "/monitor.csv" else 1)
