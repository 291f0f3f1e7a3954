"""Asked together: each gets the own answer, whoever asks for whom, and nobody is left waiting."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, wait
from threading import Event, Thread

import pytest

from tests.until import until
from webapp import asking_together
from webapp.asking_together import AskedTogether

PATIENCE = 10
STOPPED = """
from gevent import monkey; monkey.patch_all()
import gevent, runpy
AskedTogether = runpy.run_path({file!r})["AskedTogether"]  # without the rest of the application: seconds

asked, gates = [], [gevent.event.Event() for _ in range(9)]

def ask(about):
    asked.append(list(about))
    gates[len(asked) - 1].wait(10)
    return [one * 10 for one in about]

together = AskedTogether(ask)
crowd = [gevent.spawn(together, number) for number in range(6)]
gevent.sleep(0.01)
for gate in gates[:{asked}]:
    gate.set()
    gevent.sleep(0.01)
crowd[{stopped}].kill()
for gate in gates:
    gate.set()
gevent.joinall(crowd, timeout=5)
print([one.value for one in crowd if one.successful() and isinstance(one.value, int)], together(7), asked)
"""


class Slow:
    """Answers ten times the number, once it is released; the first that it is asked makes it wait."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.begun, self.released = Event(), Event()

    def ask(self, about: Sequence[int]) -> list[int]:
        self.asked.append(list(about))
        self.begun.set()
        assert self.released.wait(PATIENCE)
        if 13 in about:
            raise ZeroDivisionError
        return [number * 10 for number in about]


def asked_meanwhile(slow: Slow, first: int, others: Sequence[int]) -> list[Future[int]]:
    """The answers to the first and to all who come while it is asked."""
    together = AskedTogether(slow.ask)
    answers = [begun(together, first)]
    assert slow.begun.wait(PATIENCE)
    answers += [begun(together, number) for number in others]
    until(lambda: len(together._waiting) == len(others))
    slow.released.set()
    wait(answers, timeout=PATIENCE)
    assert all(one.done() for one in answers), "somebody still waits"
    return answers


def begun(together: AskedTogether[int, int], number: int) -> Future[int]:
    """The answer that a thread of its own waits for, which holds no test up."""
    answer: Future[int] = Future()

    def ask() -> None:
        try:
            answer.set_result(together(number))
        except Exception as error:  # noqa: BLE001 whoever looks for the answer raises it
            answer.set_exception(error)

    Thread(target=ask, daemon=True).start()
    return answer


def test_who_comes_alone_is_asked_for_alone_and_at_once() -> None:
    slow = Slow()
    slow.released.set()
    together = AskedTogether(slow.ask)
    assert [together(1), together(2), together(2)] == [10, 20, 20]
    assert slow.asked == [[1], [2], [2]]


def test_who_comes_while_one_is_asked_is_asked_for_with_all_the_others() -> None:
    slow = Slow()
    answers = asked_meanwhile(slow, 1, [2, 3, 4, 5, 2])
    assert [one.result() for one in answers] == [10, 20, 30, 40, 50, 20]
    assert slow.asked[0] == [1]
    assert [sorted(one) for one in slow.asked[1:]] == [[2, 2, 3, 4, 5]]


def test_an_error_is_one_of_each_of_those_and_of_nobody_else() -> None:
    slow = Slow()
    answers = asked_meanwhile(slow, 13, [1, 2])
    with pytest.raises(ZeroDivisionError):
        answers[0].result()
    assert [one.result() for one in answers[1:]] == [10, 20]
    answers = asked_meanwhile(Slow(), 1, [13, 2])
    assert answers[0].result() == 10
    for one in answers[1:]:
        with pytest.raises(ZeroDivisionError):
            one.result()


def test_an_answer_too_few_is_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        AskedTogether(lambda about: list(about)[1:])(1)


@pytest.mark.parametrize(
    ("answered", "stopped", "asked"),
    [
        (0, 0, [[0], [1, 2, 3, 4, 5]]),  # asks for nobody else
        (0, 1, [[0], [2, 3, 4, 5]]),  # is to ask next
        (0, 2, [[0], [1, 3, 4, 5]]),  # waits to be asked for
        (1, 1, [[0], [1, 2, 3, 4, 5], [2, 3, 4, 5]]),  # asks for others
        (1, 2, [[0], [1, 2, 3, 4, 5]]),  # is asked for
    ],
)
def test_nobody_waits_for_somebody_who_was_stopped(answered: int, stopped: int, asked: list[list[int]]) -> None:
    """A server ends greenlets at any moment."""
    script = STOPPED.format(file=asking_together.__file__, asked=answered, stopped=stopped)
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    left = [number * 10 for number in range(6) if number != stopped]
    assert said.stdout == f"{left} 70 {[*asked, [7]]}\n"
