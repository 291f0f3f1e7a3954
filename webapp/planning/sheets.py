"""Reads a CSV file line by line: encoding, delimiter, header and shape."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from webapp.exceptions import Refusal
from webapp.models.people import sign_in_name
from webapp.text.characters import LOST, find_unusable_character
from webapp.text.normalization import is_blank, normalize

Parser = Callable[[str], tuple[Any, str]]
"""Takes a field without spaces at its ends; gives its value, and what is wrong with it, if anything."""
DELIMITERS = ",;\t"
"""Which one a file has depends on the language of the spreadsheet that wrote it."""
SEPARATOR_LINE = re.compile(r'"?sep=([,;\t|])"?[ ,;\t|]*(?:\r\n?|\n)', re.IGNORECASE)
"""A first line that names the delimiter. Saved once more by a spreadsheet, it is as wide as the other lines."""


class ImportRefused(Refusal):
    """Nothing is imported: a file cannot be read or written, or somebody else has changed a password meanwhile."""


@dataclass(frozen=True, order=True)
class Problem:
    """What is wrong in one place of a file. `column` is empty where the whole line is meant."""

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}"
        return f"{place}, {self.column}: {self.reason}" if self.column else f"{place}: {self.reason}"


@dataclass(frozen=True, eq=False)
class Line:
    """A line of a file, numbered as an editor does."""

    file: str
    number: int
    values: dict[str, Any]
    """Column → what its parser gives, also for a field with a problem."""
    problems: list[Problem]
    """Those of all files, shared by all lines."""

    def __getitem__(self, column: str) -> Any:
        return self.values[column]

    @cached_property
    def known_as(self) -> str:
        """The username as it is compared."""
        return sign_in_name(self["username"])

    def add_problem(self, column: str, reason: str) -> None:
        self.problems.append(Problem(self.file, self.number, column, reason))


def read_lines(
    path: Path, required: Mapping[str, Parser], optional: Mapping[str, Parser], problems: list[Problem]
) -> Iterator[Line]:
    """The lines of a CSV file in UTF-8, with or without a byte order mark; header and empty lines are left out.

    Columns are separated by commas, semicolons or tabs. Empty columns without a name at the end do not count. All
    problems of header, shape and fields go to `problems`, and lines of the wrong shape are left out. Raises
    `ImportRefused` if the file cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImportRefused(f"{path} cannot be read: {error.strerror}") from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        reason = "the header is not UTF-8 but UTF-16; save the file as “CSV UTF-8”"
        problems.append(Problem(path.name, 1, "", reason))
        return
    rows = _rows(path.name, data, problems)
    number, row = next(rows, (1, []))
    header = list(map(normalize, row))
    while header and not header[-1]:
        header.pop()
    columns = {**required, **optional}
    if reasons := _header_problems(header, required, columns):
        problems.extend(Problem(path.name, number, column, reason) for column, reason in reasons)
        return
    parsers = [columns[name] for name in header]
    for number, row in rows:
        if len(row) < len(header) or not all(map(is_blank, row[len(header) :])):
            reason = f"has {len(row)} fields; the header has {len(header)}"
            problems.append(Problem(path.name, number, "", reason))
            continue
        line = Line(path.name, number, {}, problems)
        for column, parse, field in zip(header, parsers, row, strict=False):  # blank fields follow
            line.values[column], reason = parse(field.strip())
            if reason:
                line.add_problem(column, reason)
        yield line


def _rows(file: str, data: bytes, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    # other bytes become lone surrogates, by which `encoding_problem` finds their column
    text = data.decode("utf-8-sig", "surrogateescape")
    separator_line = SEPARATOR_LINE.match(text)
    header = next((line for line in text.splitlines() if not is_blank(line.strip(DELIMITERS))), "")
    # no column's name contains a delimiter
    delimiter = separator_line[1] if separator_line else max(DELIMITERS, key=header.count)
    lines = io.StringIO(text[separator_line.end() :] if separator_line else text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    first = 2 if separator_line else 1
    while True:
        number = reader.line_num + first
        try:
            row = next(reader, None)
        except csv.Error as error:
            problems.append(Problem(file, number, "", f"cannot be read as CSV: {error}"))
            continue
        if row is None:
            return
        if not all(map(is_blank, row)):
            yield number, row


def _header_problems(
    header: list[str], required: Mapping[str, Parser], columns: Mapping[str, Parser]
) -> list[tuple[str, str]]:
    if not header:
        return [("", "the file is empty")]
    if encoding_problem("".join(header)):
        return [("", "the header is not UTF-8 text; save the file as “CSV UTF-8”")]
    if len(header) == 1:
        return [("", "the columns are not separated by commas, semicolons or tabs; save the file as “CSV UTF-8”")]
    missing = [(name, "this column is missing") for name in required if name not in header]
    unknown = [(quote(name), "this column is not known") for name in header if name not in columns]
    repeated = [(name, "this column is there twice") for name in columns if header.count(name) > 1]
    return [*missing, *unknown, *repeated]


def quote(value: str) -> str:
    """Quote a value for a message, escaped and cut short."""
    return ascii(value[:40]) if encoding_problem(value) else f"“{value[:40]}”"


def encoding_problem(written: str) -> str:
    """Why a field is not text, with the first bad character; empty if it is text."""
    if (unusable := find_unusable_character(written)) is None:
        return ""
    place, character = unusable
    if "\ud800" <= character <= "\udfff":
        return "is not UTF-8 text; save the file as “CSV UTF-8”"
    if character == LOST:
        return f"has lost a letter (character {place} is U+FFFD); correct it, and save the file as “CSV UTF-8”"
    return f"holds a control character or a line break (character {place} is U+{ord(character):04X})"
