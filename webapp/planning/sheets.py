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

from webapp.accounts.passwords import problem_with
from webapp.models.people import sign_in_name
from webapp.planning.refusals import Problem
from webapp.text.normalization import BYTE_ORDER_MARK, is_blank, normalize, strip_invisible

LOCAL_TIME = re.compile(r"(2\d{3})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?", re.ASCII)
NO_TEXT = frozenset({"Cc", "Zl", "Zp"})
"""Unicode categories that a field cannot hold: control characters and line ends. Marks of direction can stand."""
LONGEST_USERNAME = 150
DELIMITERS = ",;\t"
"""Which of them a file has depends on the country of the spreadsheet that wrote it."""
SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?[ ,;\t|]*(?:\r\n?|\n)', re.IGNORECASE)
"""A first line in which a spreadsheet says which it is; saved once more, the line is as wide as the others."""
OTHER_UNICODE = (b"\xff\xfe", b"\xfe\xff")
"""How UTF-16, and UTF-32 of most computers, begin."""
DAMAGE = (
    (re.compile(r"[+-]?\d(?:[.,]\d+)?E\+\d{1,3}", re.IGNORECASE), "a number that a spreadsheet has rounded"),
    (
        re.compile(r"#¡?[^\W\d_a-z][^\sa-z]{0,20}[!?]|#[^\W\d_a-z]/[^\W\d_a-z]|#NV|#GETTING_DATA|#{3,}|Err:\d{3}"),
        "an error of a spreadsheet",
    ),
    (re.compile(r'=\s*(?:".*"|[\w.]+\(.*\)|\$?[A-Z]{1,3}\$?\d{1,7})', re.DOTALL), "a formula of a spreadsheet"),
)
"""What a spreadsheet leaves of a value that it took for another."""
LOST = "\ufffd"


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
        """A field of at most `longest` characters, in the form in which it is compared (`normalization.normalize`)."""
        written = self.fields.get(column, "").strip()
        text = normalize(written)
        if reason := _no_text(written) or _damaged(text):
            self.wrong(column, reason)
        elif required and not text:
            self.wrong(column, "has invisible characters only" if written else "is empty")
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
        """A given password, or None. What cannot be seen at its ends does not count, as at the sign-in."""
        password = strip_invisible(self.fields.get("password", ""))
        if not password:
            return None
        if reason := _no_text(password) or _damaged(password):
            self.wrong("password", reason)
        elif problem := problem_with(password):
            self.wrong("password", problem)
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

    Columns are separated by commas, semicolons or tabs. Columns without a name after the last one are left out if they
    are empty. What is wrong with header or shape goes to `problems`; lines of the wrong shape are left out.
    """
    if data.startswith(OTHER_UNICODE):
        problems.append(Problem(file, 1, "", "the header is not UTF-8 but UTF-16; save the file as “CSV UTF-8”"))
        return
    # bytes that are no UTF-8 become lone surrogates, by which their column is found and named
    text = data.decode("utf-8", "surrogateescape").removeprefix(BYTE_ORDER_MARK)
    rows = _rows(text, file, problems)
    number, header = next(rows, (1, []))
    header = _without_blank_end([normalize(name) for name in header], 0)
    reasons = _header_reasons(header, required, optional)
    problems.extend(Problem(file, number, column, reason) for column, reason in reasons)
    if reasons:
        return
    for number, row in rows:
        fields = _without_blank_end(row, len(header))
        if len(fields) != len(header):
            problems.append(Problem(file, number, "", f"has {len(fields)} fields; the header has {len(header)}"))
        else:
            yield Line(file, number, dict(zip(header, fields, strict=True)), problems)


def _without_blank_end(fields: list[str], shortest: int) -> list[str]:
    """The fields without the blank ones behind the first `shortest`."""
    end = len(fields)
    while end > shortest and is_blank(fields[end - 1]):
        end -= 1
    return fields[:end]


def _rows(text: str, file: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    told = SEPARATOR_LINE.match(text)
    delimiter = told[1] if told else _delimiter(text)
    lines = io.StringIO(text[told.end() :] if told else text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    first = 2 if told else 1
    while True:
        number = reader.line_num + first
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.append(Problem(file, number, "", f"cannot be read as CSV: {error}"))
            continue
        if not all(map(is_blank, row)):
            yield number, row


def _delimiter(text: str) -> str:
    """The one that the header has most of; no column's name has one in it."""
    header = next((line for line in text.splitlines() if not is_blank(line.strip(DELIMITERS))), "")
    return max(DELIMITERS, key=header.count)


def _header_reasons(header: list[str], required: Sequence[str], optional: Sequence[str]) -> list[tuple[str, str]]:
    if not header:
        return [("", "the file is empty")]
    if _no_text("".join(header)):
        return [("", "the header is not UTF-8 text; save the file as “CSV UTF-8”")]
    if len(header) == 1:
        return [("", "the columns are not separated by commas, semicolons or tabs; save the file as “CSV UTF-8”")]
    reasons = [(name, "this column is missing") for name in required if name not in header]
    for position, name in enumerate(header):
        if name in header[:position]:
            reasons.append((name, "this column is there twice"))
        elif name not in required and name not in optional:
            reasons.append((shown(name), "this column is not known"))
    return reasons


def _no_text(text: str) -> str:
    """Why a field cannot be text, with the first character that is to blame; empty if it can."""
    if text.isascii() and text.isprintable():
        return ""
    for place, character in enumerate(text, 1):
        if "\ud800" <= character <= "\udfff":
            return "is not UTF-8 text; save the file as “CSV UTF-8”"
        if character == LOST:
            return f"has lost a letter (character {place} is U+FFFD); correct it, and save the file as “CSV UTF-8”"
        if unicodedata.category(character) in NO_TEXT:
            return f"holds a control character or a line break (character {place} is U+{ord(character):04X})"
    return ""


def _damaged(text: str) -> str:
    for pattern, what in DAMAGE:
        if pattern.fullmatch(text):
            return f"{shown(text)} is {what}; give the column the format “Text” and enter it anew"
    return ""
