"""Reading a CSV file line by line: encoding, header, shape, and the kinds of field that both files have."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from webapp.accounts.passwords import LONGEST as LONGEST_PASSWORD
from webapp.accounts.passwords import SHORTEST as SHORTEST_PASSWORD
from webapp.models.people import sign_in_name
from webapp.planning.refusals import Problem

LOCAL_TIME = re.compile(r"(2\d{3})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?", re.ASCII)
NO_TEXT = frozenset({"Cc", "Zl", "Zp"})
"""Unicode categories that a field cannot hold: control characters and line ends. Marks of direction can stand."""
LONGEST_USERNAME = 150


@dataclass(frozen=True)
class Line:
    """A line of a file: its number as an editor counts, and its fields as they stand there."""

    file: str
    number: int
    fields: dict[str, str]
    problems: list[Problem]
    """Of the whole file; shared by its lines."""

    def wrong(self, column: str, reason: str) -> None:
        """Note a problem of this line."""
        self.problems.append(Problem(self.file, self.number, column, reason))

    def text(self, column: str, longest: int, *, required: bool = False) -> str:
        """A field of at most `longest` characters, its ends stripped, in composed form (NFC)."""
        text = unicodedata.normalize("NFC", self.fields.get(column, "").strip())
        if reason := _no_text(text):
            self.wrong(column, reason)
        elif required and not text:
            self.wrong(column, "is empty")
        elif len(text) > longest:
            self.wrong(column, f"has {len(text)} characters; at most {longest} fit")
        return text

    def username(self) -> str:
        """The username as it is compared, once it has been checked."""
        text = self.text("username", LONGEST_USERNAME, required=True)
        known_as = sign_in_name(text)
        if len(text) <= LONGEST_USERNAME < len(known_as):
            self.wrong("username", f"is longer than {LONGEST_USERNAME} characters when case is folded")
        return known_as

    def password(self) -> str | None:
        """A given password exactly as it stands there, or None."""
        password = self.fields.get("password", "")
        if not password:
            return None
        if reason := _no_text(password):
            self.wrong("password", reason)
        elif not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            self.wrong("password", f"must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
        return password

    def moment(self, column: str, zone: ZoneInfo) -> datetime | None:
        """A local time of `zone` as a moment in UTC; None (and a problem) if it is none.

        An hour that the clocks skip in spring is a problem; one that they show twice in autumn is the first.
        """
        text = self.fields.get(column, "").strip()
        match = LOCAL_TIME.fullmatch(text)
        try:
            # without a zone here, because the zone is what the next line gives it
            here = datetime(*(int(part or 0) for part in match.groups())) if match else None  # type: ignore[arg-type]  # noqa: DTZ001
        except ValueError:
            here = None
        if here is None:
            self.wrong(column, f"{shown(text)} is not a local time such as 2026-11-24T08:00")
            return None
        moment = here.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) != here:
            self.wrong(column, f"{text} does not exist in {zone}: the clocks are put forward over it")
            return None
        return moment


def shown(text: str) -> str:
    """A value for a message: quoted, escaped and cut short."""
    return ascii(text[:40]) if _no_text(text) else f"“{text[:40]}”"


def read_lines(
    data: bytes, file: str, required: Sequence[str], optional: Sequence[str], problems: list[Problem]
) -> Iterator[Line]:
    """The lines of a CSV file in UTF-8 (with or without a byte order mark), without its header and empty lines.

    What is wrong with header or shape goes to `problems`; lines of the wrong shape are left out.
    """
    # bytes that are no UTF-8 become lone surrogates, by which their column is found and named
    text = data.decode("utf-8-sig", "surrogateescape")
    rows = _rows(text, file, problems)
    number, header = next(rows, (1, []))
    header = [name.strip() for name in header]
    reasons = _header_reasons(header, required, optional)
    problems.extend(Problem(file, number, column, reason) for column, reason in reasons)
    if reasons:
        return
    for number, row in rows:
        if len(row) != len(header):
            problems.append(Problem(file, number, "", f"has {len(row)} fields; the header has {len(header)}"))
        else:
            yield Line(file, number, dict(zip(header, row, strict=True)), problems)


def _rows(text: str, file: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.append(Problem(file, number, "", f"cannot be read as CSV: {error}"))
            continue
        if any(field.strip() for field in row):
            yield number, row


def _header_reasons(header: list[str], required: Sequence[str], optional: Sequence[str]) -> list[tuple[str, str]]:
    if not header:
        return [("", "the file is empty")]
    if _no_text("".join(header)):
        return [("", "the header is not UTF-8 text; save the file as “CSV UTF-8”")]
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        return [("", "the columns are not separated by commas; save the file with commas")]
    reasons = [(name, "this column is missing") for name in required if name not in header]
    for position, name in enumerate(header):
        if name in header[:position]:
            reasons.append((name, "this column is there twice"))
        elif name not in required and name not in optional:
            reasons.append((shown(name), "this column is not known"))
    return reasons


def _no_text(text: str) -> str:
    if text.isascii() and text.isprintable():
        return ""
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "is not UTF-8 text; save the file as “CSV UTF-8”"
    if any(unicodedata.category(character) in NO_TEXT for character in text):
        return "holds a control character or a line break"
    return ""
