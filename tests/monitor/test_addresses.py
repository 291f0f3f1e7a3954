"""What the addresses of the list hold, and which addresses it links to (R18, R20)."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.monitor.test_page import HTMX, got, rows_of
from tests.monitor.watched import Watched

pytestmark = pytest.mark.one_database


def test_a_column_moves_without_scripts(watched: Watched) -> None:
    """R20: the arrow of the columns menu leads to the address with the new order."""
    answer = watched.client.get("/monitor?flag=yes&column=name&column=seat&column=room&move=room:up")
    assert answer.status_code == 302
    assert answer.location == "/monitor?flag=yes&column=name&column=room&column=seat"
    moved = watched.client.get("/monitor?column=name&column=seat&move=name:down", headers=HTMX)
    assert query_told(moved.text) == "column=seat&column=name"


def query_told(page: str) -> str:
    """What the list says it shows: the page's script puts it into the address."""
    told = re.findall(r'data-query="([^"]*)"', page)
    return unescape(told[-1])


def test_the_address_told_is_canonical(watched: Watched) -> None:
    """R18: no blank fields, one order, nearest page."""
    query = "seen_within=&q=+bulk+&flag=yes&column=name&page=9&sort=-seat&room=Room+2&seen_after="
    answer = watched.client.get(f"/monitor?{query}", headers=HTMX)
    assert query_told(answer.text) == "q=bulk&room=Room+2&flag=yes&sort=-seat&column=name"
    page = got(watched.client, f"/monitor?{query_told(answer.text)}")
    assert rows_of(page) == rows_of(answer.text)
    assert query_told(page) == query_told(answer.text)


def test_each_condition_has_a_chip_that_removes_it(watched: Watched) -> None:
    page = got(watched.client, "/monitor?q=bulk&room=Room+2&room=&flag=yes&sort=-name&page=1")
    for words, left in (
        ("Search: “bulk”", "/monitor?room=&amp;room=Room+2&amp;flag=yes&amp;sort=-name"),
        ("Room: Room 2", "/monitor?q=bulk&amp;room=&amp;flag=yes&amp;sort=-name"),
        ("Room: No room", "/monitor?q=bulk&amp;room=Room+2&amp;flag=yes&amp;sort=-name"),
        ("Flag: Flagged", "/monitor?q=bulk&amp;room=&amp;room=Room+2&amp;sort=-name"),
    ):
        assert re.search(rf'<bdi>{re.escape(words)}</bdi> <a href="{re.escape(left)}"', page), words
