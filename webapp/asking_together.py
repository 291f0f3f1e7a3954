"""One statement for all who ask the same at a time: a hall that comes back asks it 1,500 times within seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event, Lock
from typing import Generic, TypeVar

About = TypeVar("About")
Answer = TypeVar("Answer")


class _Asker(Generic[About, Answer]):
    """Somebody who waits: for the answer, or for their turn to ask for all who wait."""

    def __init__(self, about: About) -> None:
        self.about = about
        self.roused = Event()
        self.told: list[Answer] = []
        """The answer, once it is there."""
        self.error: Exception | None = None

    @property
    def is_told(self) -> bool:
        return bool(self.told) or self.error is not None


class AskedTogether(Generic[About, Answer]):
    """Asks for one at once; whoever comes meanwhile waits, and is asked for with all others who came, by one of them.

    Nobody waits for more to come, and everybody is asked for after they came: what was true then is seen.
    """

    def __init__(self, ask: Callable[[Sequence[About]], Sequence[Answer]]) -> None:
        """`ask` answers many, in their order; an error of its is raised by each of them."""
        self._ask = ask
        self._guard = Lock()
        self._waiting: list[_Asker[About, Answer]] = []
        self._in_turn: _Asker[About, Answer] | None = None
        """Who asks now, or is about to."""

    def __call__(self, about: About) -> Answer:
        """The answer for one."""
        mine: _Asker[About, Answer] = _Asker(about)
        with self._guard:
            self._waiting.append(mine)
            if self._in_turn is None:
                self._in_turn = mine
                mine.roused.set()
        try:
            mine.roused.wait()
            if not mine.is_told:
                self._ask_for_all()
        finally:
            self._leave(mine)
        if mine.error is not None:
            raise mine.error
        return mine.told[0]

    def _ask_for_all(self) -> None:
        with self._guard:
            asked, self._waiting = self._waiting, []
        try:
            for one, answer in zip(asked, self._ask([one.about for one in asked]), strict=True):
                one.told.append(answer)
        except Exception as error:  # noqa: BLE001 each of them raises it
            for one in asked:
                one.error = error
        finally:
            with self._guard:  # nobody was told anything if this greenlet is being ended: another one asks
                self._waiting[:0] = [one for one in asked if not one.is_told]
            for one in asked:
                if one.is_told:
                    one.roused.set()

    def _leave(self, mine: _Asker[About, Answer]) -> None:
        """Wait no more; whoever had the turn hands it on."""
        with self._guard:
            if mine in self._waiting:
                self._waiting.remove(mine)
            if self._in_turn is mine:
                self._in_turn = self._waiting[0] if self._waiting else None
                if self._in_turn is not None:
                    self._in_turn.roused.set()
