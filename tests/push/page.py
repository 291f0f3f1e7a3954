"""A candidate's page as far as notices go: what `static/js/notices.js` and `stream.js` do with what arrives."""

from __future__ import annotations

import re

NOTICE = re.compile(r'data-notice="(\d+)"')


class Page:
    """What one tab has on its screen, by message number."""

    def __init__(self) -> None:
        self.screen: set[int] = set()
        self.closed: set[int] = set()
        """Closed here, or said to be closed: never shown again by this page."""
        self.polling = False
        self.ended = False
        """The server has ended its stream."""
        self._written: set[int] = set()

    def opened(self) -> None:
        """A new stream is open."""
        self.polling = self.ended = False
        self._written = set()

    def close(self, number: int) -> None:
        """The person closes a notice: gone at once, and posted by the caller until the server has it."""
        self.screen.remove(number)
        self.closed.add(number)

    def take(self, event: bytes) -> None:
        """An event of the stream, whole."""
        fields = dict(line.partition(": ")[::2] for line in event.decode().splitlines() if line)
        data = [line.removeprefix("data: ") for line in event.decode().splitlines() if line.startswith("data: ")]
        numbers = {int(number) for number in data[0].split(",") if number.isdigit()} if data else set()
        match fields.get("event"):
            case None:
                self._notice(int(fields["id"]), "\n".join(data))
            case "closed":
                self.closed |= numbers
                self.screen -= numbers
            case "still-open":
                self.screen &= numbers
            case "poll":
                self.polling = True
            case "restart":
                self.ended = True
            case other:
                assert other == "beat"

    def polled(self, answer: str, before: set[int]) -> None:
        """What `/inbox/new` answered, and what was on the screen when it was asked."""
        found = {int(number) for number in NOTICE.findall(answer)}
        self.screen = (self.screen - (before - found)) | (found - self.closed)

    def _notice(self, number: int, notice: str) -> None:
        assert NOTICE.findall(notice) == [str(number)]
        assert number not in self._written, f"message {number} twice on one stream"
        self._written.add(number)
        if number not in self.closed:
            self.screen.add(number)
