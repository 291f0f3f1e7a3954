"""Candidate IDs sort as people count, on the page and in the file."""

from __future__ import annotations

from flask import Flask

from tests.hall import Hall, signed_in
from tests.monitor.test_page import got, rows_of


def test_candidate_ids_sort_as_people_count(app: Flask, hall: Hall) -> None:
    test = hall.test()
    numbers = ["A1", "a2", "A10", "A010b", "B1", "B9-2", "B9-10", "1", "2", "10", "123456789012", "C"]
    ids = {hall.candidacy(test, number=number).id: number for number in reversed(numbers)}
    client = signed_in(app, hall.contributor(test))
    by_number = ["1", "2", "10", "123456789012", *numbers[:7], "C"]
    assert [ids[one] for one in rows_of(got(client, "/monitor?sort=number"))] == by_number
    assert [ids[one] for one in rows_of(got(client, "/monitor?sort=-number"))] == by_number[::-1]
    lines = got(client, "/monitor.csv?sort=number&column=number").splitlines()
    assert lines[1:] == by_number
