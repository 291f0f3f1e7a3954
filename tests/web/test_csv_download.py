"""A download: no connection to the database waits for its client, and half a file is never taken for a whole one."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from webapp.extensions import db
from webapp.web.csv_download import csv_answer
from webapp.web.security import public


@pytest.mark.one_database
def test_all_of_it_in_order(app: Flask, client: FlaskClient) -> None:
    def read(_session: Session) -> Generator[str, None, None]:
        yield from (f"{number:060}" for number in range(5_000))

    app.add_url_rule("/numbers", view_func=public(lambda: csv_answer(read, "numbers.csv")))
    answer = client.get("/numbers")
    assert answer.text == "\ufeff" + "".join(f"{number:060}" for number in range(5_000))
    assert int(answer.headers["Content-Length"]) == len(answer.data)


@pytest.mark.one_database
def test_a_failure_in_the_middle_is_an_error_page(app: Flask, client: FlaskClient) -> None:
    def read(_session: Session) -> Generator[str, None, None]:
        yield "begun"
        raise ValueError("in the middle")

    app.add_url_rule("/fails", view_func=public(lambda: csv_answer(read, "fails.csv")))
    answer = client.get("/fails")
    assert answer.status_code == 500
    assert answer.mimetype == "text/html"
    assert "begun" not in answer.text


@pytest.mark.one_database("postgresql")
def test_an_unread_download_holds_no_connection(app: Flask, hall: Hall) -> None:
    test = hall.test()
    hall.candidacies(test, 1200)
    reader = signed_in(app, hall.contributor(test))
    hall.session.rollback()
    for address, lines in (("/monitor.csv", 1201), ("/log.csv", 1)):
        answer = reader.get(address)
        assert answer.status_code == 200
        with app.app_context():
            assert db.engine.pool.checkedout() == 0, address  # type: ignore[attr-defined]
        assert len(answer.data.splitlines()) == lines
