"""A candidate's page as far as notices go: what `static/js/notices.js` and `stream.js` do with what arrives."""

from __future__ import annotations

import re

EVENT_ENDS = "\n\n"
NOTICE = re.compile(r'data-notice="(\d+)"')
CORRECTS = re.compile(r'data-corrects="(\d+)"')
WITHDRAWN = re.compile(r'data-withdrawn="([\d,]*)"')


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

    def take(self, chunk: bytes) -> None:
        """What the stream wrote at once: events, each whole."""
        assert chunk.endswith(EVENT_ENDS.encode())
        for event in chunk.decode().removesuffix(EVENT_ENDS).split(EVENT_ENDS):
            self._take(event.splitlines())

    def _take(self, lines: list[str]) -> None:
        fields = dict(line.partition(": ")[::2] for line in lines)
        data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
        numbers = {int(number) for number in data[0].split(",") if number.isdigit()} if data else set()
        match fields.get("event"):
            case None:
                self._notice(int(fields["id"]), "\n".join(data))
            case "closed" | "withdrawn":
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
        withdrawn = {int(number) for listed in WITHDRAWN.findall(answer) for number in listed.split(",") if number}
        corrected = {int(number) for number in CORRECTS.findall(answer)}
        self.closed |= withdrawn | corrected
        self.screen -= withdrawn | corrected
        found = {int(number) for number in NOTICE.findall(answer)}
        self.screen = (self.screen - (before - found)) | (found - self.closed)

    def _notice(self, number: int, notice: str) -> None:
        assert NOTICE.findall(notice) == [str(number)]
        assert number not in self._written, f"message {number} twice on one stream"
        self._written.add(number)
        if number not in self.closed:
            corrected = {int(other) for other in CORRECTS.findall(notice)}
            self.closed |= corrected
            self.screen = self.screen - corrected | {number}
