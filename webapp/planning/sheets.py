"""Reads a CSV file line by line: encoding, header, shape, and the kinds of field that both files have."""

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
from webapp.planning.exceptions import Problem
from webapp.text.normalization import BYTE_ORDER_MARK, is_blank, normalize, strip_invisible

LOCAL_TIME = re.compile(r"(2\d{3})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?", re.ASCII)
CONTROL_CATEGORIES = frozenset({"Cc", "Zl", "Zp"})
"""Unicode categories that no field may have: control characters and line ends."""
LONGEST_USERNAME = 150
DELIMITERS = ",;\t"
"""Which one a file has depends on the language of the spreadsheet that wrote it."""
SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?[ ,;\t|]*(?:\r\n?|\n)', re.IGNORECASE)
"""A first line that names the delimiter. Saved once more by a spreadsheet, it is as wide as the other lines."""
OTHER_UNICODE = (b"\xff\xfe", b"\xfe\xff")
"""The first bytes of UTF-16, and of little-endian UTF-32."""
DAMAGE = (
    (re.compile(r"[+-]?\d(?:[.,]\d+)?E\+\d{1,3}", re.IGNORECASE), "a number that a spreadsheet has rounded"),
    (
        re.compile(r"#¡?[^\W\d_a-z][^\sa-z]{0,20}[!?]|#[^\W\d_a-z]/[^\W\d_a-z]|#NV|#GETTING_DATA|#{3,}|Err:\d{3}"),
        "an error of a spreadsheet",
    ),
    (re.compile(r'=\s*(?:".*"|[\w.]+\(.*\)|\$?[A-Z]{1,3}\$?\d{1,7})', re.DOTALL), "a formula of a spreadsheet"),
)
"""What a spreadsheet leaves of a value that it misread."""
LOST = "\ufffd"


@dataclass(frozen=True)
class Line:
    """A line of a file, numbered as an editor does, with its fields as they are written."""

    file: str
    number: int
    fields: dict[str, str]
    problems: list[Problem]
    """Those of all files, shared by all lines."""

    @property
    def place(self) -> tuple[str, int]:
        """File and line number."""
        return self.file, self.number

    def add_problem(self, column: str, reason: str) -> None:
        self.problems.append(Problem(self.file, self.number, column, reason))

    def text(self, column: str, longest: int, *, required: bool = False) -> str:
        """A field of at most `longest` characters, normalized."""
        written = self.fields.get(column, "").strip()
        text = normalize(written)
        if reason := _encoding_problem(written) or _spreadsheet_problem(text):
            self.add_problem(column, reason)
        elif required and not text:
            self.add_problem(column, "has invisible characters only" if written else "is empty")
        elif len(text) > longest:
            self.add_problem(column, f"has {len(text)} characters; at most {longest} fit")
        return text

    def username(self) -> str:
        """The username as it is compared (`sign_in_name`)."""
        text = self.text("username", LONGEST_USERNAME, required=True)
        known_as = sign_in_name(text)
        if len(text) <= LONGEST_USERNAME < len(known_as):
            self.add_problem("username", f"is longer than {LONGEST_USERNAME} characters when case is folded")
        return known_as

    def password(self) -> str | None:
        """A given password without invisible characters at its ends, or None."""
        password = strip_invisible(self.fields.get("password", ""))
        if not password:
            return None
        if reason := _encoding_problem(password) or _spreadsheet_problem(password):
            self.add_problem("password", reason)
        elif problem := problem_with(password):
            self.add_problem("password", problem)
        return password

    def moment(self, column: str, zone: ZoneInfo) -> datetime | None:
        """A local time of `zone` as a moment in UTC; None, and a problem, if it is none.

        A time that the clocks skip in spring is a problem. Of one that they show twice in autumn, it is the first.
        """
        text = self.fields.get(column, "").strip()
        match = LOCAL_TIME.fullmatch(text)
        try:
            here = datetime(*(int(part or 0) for part in match.groups())) if match else None  # type: ignore[arg-type]  # noqa: DTZ001
        except ValueError:
            here = None
        if here is None:
            self.add_problem(column, f"{quote(text)} is not a local time; write it like 2026-11-24T08:00")
            return None
        moment = here.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) != here:
            self.add_problem(column, f"{text} does not exist in {zone}: the clocks go forward then")
            return None
        return moment


def quote(text: str) -> str:
    """Quote a value for a message, escaped and cut short."""
    return ascii(text[:40]) if _encoding_problem(text) else f"“{text[:40]}”"


def read_lines(
    data: bytes, file: str, required: Sequence[str], optional: Sequence[str], problems: list[Problem]
) -> Iterator[Line]:
    """The lines of a CSV file in UTF-8, with or without a byte order mark; header and empty lines are left out.

    Columns are separated by commas, semicolons or tabs. Empty columns without a name at the end do not count. Problems
    of the header and the shape go to `problems`, and lines of the wrong shape are left out.
    """
    if data.startswith(OTHER_UNICODE):
        problems.append(Problem(file, 1, "", "the header is not UTF-8 but UTF-16; save the file as “CSV UTF-8”"))
        return
    # other bytes become lone surrogates, by which `_encoding_problem` finds their column
    text = data.decode("utf-8", "surrogateescape").removeprefix(BYTE_ORDER_MARK)
    rows = _rows(text, file, problems)
    number, header = next(rows, (1, []))
    header = _without_blank_end([normalize(name) for name in header], 0)
    reasons = _header_problems(header, required, optional)
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
    separator_line = SEPARATOR_LINE.match(text)
    delimiter = separator_line[1] if separator_line else _delimiter(text)
    lines = io.StringIO(text[separator_line.end() :] if separator_line else text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    first = 2 if separator_line else 1
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
    """The delimiter that the header has most of: no column's name contains one."""
    header = next((line for line in text.splitlines() if not is_blank(line.strip(DELIMITERS))), "")
    return max(DELIMITERS, key=header.count)


def _header_problems(header: list[str], required: Sequence[str], optional: Sequence[str]) -> list[tuple[str, str]]:
    if not header:
        return [("", "the file is empty")]
    if _encoding_problem("".join(header)):
        return [("", "the header is not UTF-8 text; save the file as “CSV UTF-8”")]
    if len(header) == 1:
        return [("", "the columns are not separated by commas, semicolons or tabs; save the file as “CSV UTF-8”")]
    reasons = [(name, "this column is missing") for name in required if name not in header]
    for position, name in enumerate(header):
        if name in header[:position]:
            reasons.append((name, "this column is there twice"))
        elif name not in required and name not in optional:
            reasons.append((quote(name), "this column is not known"))
    return reasons


def _encoding_problem(text: str) -> str:
    """Why a field is not text, with the first bad character; empty if it is text."""
    if text.isascii() and text.isprintable():
        return ""
    for place, character in enumerate(text, 1):
        if "\ud800" <= character <= "\udfff":
            return "is not UTF-8 text; save the file as “CSV UTF-8”"
        if character == LOST:
            return f"has lost a letter (character {place} is U+FFFD); correct it, and save the file as “CSV UTF-8”"
        if unicodedata.category(character) in CONTROL_CATEGORIES:
            return f"holds a control character or a line break (character {place} is U+{ord(character):04X})"
    return ""


def _spreadsheet_problem(text: str) -> str:
    for pattern, what in DAMAGE:
        if pattern.fullmatch(text):
            return f"{quote(text)} is {what}; give the column the format “Text” and enter it anew"
    return ""
