"""Checking a password takes the same time for everybody, and does not stop the streams of the process."""

from __future__ import annotations

import subprocess
import sys

import pytest
from argon2 import PasswordHasher, extract_parameters
from flask.testing import FlaskClient

from tests.accounts.sign_in_form import submit_sign_in
from tests.hall import Hall
from webapp.accounts.passwords import CHOSEN, GENERATED, WORDS, hash_generated, hash_password, passphrase, problem_with
from webapp.clock import utcnow
from webapp.config import ROOT

pytestmark = pytest.mark.one_database

UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import gevent
from webapp.accounts.passwords import hash_password, verify

stored, turns = hash_password("correct horse battery"), []

def stream():
    while True:
        turns.append(1)
        gevent.sleep(0)

gevent.spawn(stream)
gevent.sleep(0)
before = len(turns)
assert not verify(stored, "a wrong guess")
print(len(turns) - before)
"""


@pytest.mark.parametrize("username", ["chosen", "generated", "none", "deactivated", "nobody"])
def test_r32_a_wrong_password_costs_both_efforts_whatever_the_account(
    client: FlaskClient, hall: Hall, monkeypatch: pytest.MonkeyPatch, username: str
) -> None:
    """Who measures the time learns neither whether there is an account, nor where its password comes from."""
    hall.person(username="chosen", password_hash=hash_password("correct horse battery"))
    hall.person(username="generated", password_hash=hash_generated("correct horse battery"))
    hall.person(username="none")
    hall.person(username="deactivated", password_hash=hash_password("correct horse battery"), deactivated_at=utcnow())
    submit_sign_in(client, "nobody", "a wrong guess")  # hashes of no password are made once
    computed = []
    verify = PasswordHasher.verify

    def count(self: PasswordHasher, stored: str, password: bytes) -> bool:
        computed.append(extract_parameters(stored).memory_cost)
        return verify(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", count)
    assert submit_sign_in(client, username, "a wrong guess").status_code == 422
    assert sorted(computed) == [GENERATED.memory_cost, CHOSEN.memory_cost]


@pytest.mark.server
def test_streams_go_on_while_a_password_is_checked() -> None:
    command = [sys.executable, "-c", UNDER_GEVENT]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert int(ended.stdout) > 10  # taking turns alone would give it one


def test_spaces_at_the_ends_do_not_make_a_password_long() -> None:
    assert "8 to 1024 characters" in (problem_with("  short7 \u200b ") or "")


def test_nobody_without_the_key_knows_a_passphrase() -> None:
    assert passphrase("a key", "a seed") == passphrase("a key", "a seed")
    assert len({passphrase(key, seed) for key in ("a key", "another") for seed in ("a seed", "another")}) == 4


def test_the_list_has_words_enough() -> None:
    assert len(set(WORDS)) == len(WORDS) >= 1024
    assert all(word.isascii() and word.islower() and len(word) <= 5 for word in WORDS)
