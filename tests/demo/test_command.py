"""The commands `flask demo` and `flask simulate`, and who is chosen to come."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.hall import Hall
from webapp.demo.hall import ACCOUNTS, PASSWORD, is_of_the_77, seats
from webapp.demo.simulation import checked_address, choose_people

pytestmark = pytest.mark.one_database


@pytest.mark.thorough
def test_demo_prints_who_can_sign_in(app: Flask) -> None:
    """Usernames and the password, the first time and the second."""
    for words in ("begins now", "still running"):
        result = app.test_cli_runner().invoke(args=["demo"])
        assert result.exit_code == 0, result.output
        assert words in result.output
        assert PASSWORD in result.output
        assert all(username in result.output for username in ACCOUNTS)


def test_demo_refuses_in_one_line(app: Flask, hall: Hall) -> None:
    """A real installation: exit 1 and why, without a traceback."""
    hall.person()
    result = app.test_cli_runner().invoke(args=["demo"])
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "EXAMHALL_DEMO=1" in result.output


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:8000/", "http://[::1]:8000"])
def test_simulation_on_this_machine(url: str) -> None:
    """Loopback addresses will do."""
    assert checked_address(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    ["http://192.0.2.1:8000", "http://exam.example", "https://127.0.0.1", "http://127.0.0.1.example", "http://", "x"],
)
def test_simulation_nowhere_else(app: Flask, url: str) -> None:
    """Strangers' servers get no simulated halls: exit 2 names the option."""
    with pytest.raises(ValueError, match="not on this machine"):
        checked_address(url)
    result = app.test_cli_runner().invoke(args=["simulate", "--url", url])
    assert result.exit_code == 2
    assert "--url" in result.output


def test_those_who_come_are_free_to(app: Flask) -> None:
    """Nobody whom a person at the demo plays, nobody who has submitted or left; some of the 77; each once."""
    people = choose_people(120)
    names = [seat["username"] for seat in people]
    assert len(set(names)) == 120
    assert not set(names) & ACCOUNTS.keys()
    assert not any(seat["progress"] for seat in people)
    assert sum(map(is_of_the_77, people)) > 30
    assert {seat["test"] for seat in people} == {seat["test"] for seat in seats()}
    assert choose_people(120) == people
