"""A file that is written as fast as it can be made, and sent as slowly as its client reads."""

from __future__ import annotations

import errno
import tempfile
import threading
from collections.abc import Generator, Iterator
from contextlib import closing

import structlog

from webapp.db.outages import is_outage, log_outage

log = structlog.get_logger(__name__)
PART = 64 * 1024
"""Bytes that are sent at a time."""


class Spool:
    """Bytes on their way from a thread that makes them to an answer that sends them, in a temporary file between."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 closed by whichever of the two ends last
        self._changed = threading.Condition()
        self._written = self._sent = 0
        self._is_wanted = True
        self._is_ended = self._is_whole = False

    def fill(self, pieces: Generator[bytes, None, None]) -> None:
        """Write all pieces, in a thread; what ends them early is logged there, and cuts the answer."""
        threading.Thread(target=self._fill, args=(pieces,), name="examhall", daemon=True).start()

    def _fill(self, pieces: Generator[bytes, None, None]) -> None:
        is_whole = False
        try:
            with closing(pieces):
                is_whole = all(self._take(piece) for piece in pieces)
        except Exception as error:
            if is_outage(error):
                log_outage(error)
            else:
                log.exception("a download could not be made")
        finally:
            with self._changed:
                self._is_whole, self._is_ended = is_whole, True
                self._changed.notify()
                if not self._is_wanted:
                    self._file.close()

    def _take(self, piece: bytes) -> bool:
        with self._changed:
            if self._is_wanted:
                self._file.seek(self._written)
                self._file.write(piece)
                self._written += len(piece)
                self._changed.notify()
            return self._is_wanted

    def parts(self) -> Iterator[bytes]:
        """What there is, as soon as it is there. Raises `ConnectionResetError` if it does not become whole."""
        try:
            while part := self._next():
                yield part
        finally:
            self.close()
        if not self._is_whole:  # an end in order would have half a file taken for a whole one
            raise ConnectionResetError(errno.ECONNRESET, "the file could not be made")

    def _next(self) -> bytes:
        with self._changed:
            while self._sent == self._written and not self._is_ended:
                self._changed.wait()
            self._file.seek(self._sent)
            part = self._file.read(PART)
            self._sent += len(part)
            return part

    def close(self) -> None:
        """Nobody wants it any more."""
        with self._changed:
            self._is_wanted = False
            if self._is_ended:
                self._file.close()
