"""The list for paper: the same candidacies as the list and its CSV, whole, within the same rights (R17, R6)."""

from __future__ import annotations

import csv
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.hall import Hall, signed_in
from webapp.monitor import export

pytestmark = pytest.mark.one_database


@pytest.fixture
def client(app: Flask, hall: Hall) -> FlaskClient:
    test = hall.test("Algebra")
    hall.candidacies(test, 120, room="Hall 2")
    hall.candidacies(test, 5, room="Hall 3")
    hall.candidacy(hall.test("Law"))
    return signed_in(app, hall.contributor(test))


def numbers_on(page: str) -> list[str]:
    return re.findall(r'<(?:td data-column="number"><bdi|bdi class="number")[^>]*>([^<]*)</bdi>', page)


def test_r17_it_is_the_list_of_the_filter(client: FlaskClient) -> None:
    query = "?room=Hall+2&column=number&column=name&sort=-number&page=2"
    page = client.get("/monitor/print" + query)
    assert page.status_code == 200
    assert page.mimetype == "text/html"
    table = list(csv.reader(client.get("/monitor.csv" + query).text.removeprefix("\ufeff").splitlines()))
    assert numbers_on(page.text) == [row[0] for row in table[1:]]
    assert len(numbers_on(page.text)) == 120
    assert page.text.rstrip().endswith("</html>")


def test_a_longer_list_than_a_browser_prints_says_where_it_ends(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MAX_PRINTED", 10)
    page = client.get("/monitor/print").text
    assert len(numbers_on(page)) == 10
    assert "125 candidates" in page
    assert "these are the first 10" in page


def test_an_unknown_room_is_refused_and_nothing_is_begun(client: FlaskClient) -> None:
    assert client.get("/monitor/print?room=Nowhere").status_code == 400
    assert client.get("/monitor/print?nonsense=1").status_code == 400
