"""The loops of a process go on, whatever one of their steps meets."""

from __future__ import annotations

from threading import Event

import pytest
from flask import Flask

from webapp.exceptions import Unavailable


@pytest.mark.parametrize("error", [Unavailable("busy"), KeyError("a notice that cannot be drawn")])
def test_r8_a_step_that_fails_is_not_the_last_one(app: Flask, error: Exception) -> None:
    again = Event()
    steps: list[int] = []

    def step() -> None:
        steps.append(1)
        if len(steps) == 1:
            raise error
        again.set()

    push = app.extensions["examhall_push"]
    push.every(0.01, step)
    with app.app_context():
        push.start()
    assert again.wait(5)
