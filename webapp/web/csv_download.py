"""Downloads: lists as CSV files without formulas, and responses that do not hold the database for slow clients."""

import csv
import io
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from flask import Response
from sqlalchemy.orm import Session

from webapp.db.transactions import read_snapshot
from webapp.extensions import db
from webapp.text.normalization import BYTE_ORDER_MARK

FORMULA = re.compile(r"""\A(?=[\t\r\n]|\ *[=+\-@＝＋－＠])|(?<=[;\t\r\n])(?=[\ "]*[=+\-@＝＋－＠])""")
"""Where a formula could begin: at the start of a cell, and after other characters that may separate cells."""
Pieces = Iterator[str]


def harmless(value: object) -> str:
    """The text of a cell, with an apostrophe before what a spreadsheet could take for a formula."""
    return FORMULA.sub("'", "" if value is None else str(value))


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Rows as lines of CSV."""
    text = io.StringIO()
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def csv_answer(read: Callable[[Session], Pieces], filename: str) -> Response:
    """A CSV file to download; `filename` is ASCII. It has a byte order mark, because spreadsheets assume Latin-1."""
    response = streamed(read, "text/csv", begin=BYTE_ORDER_MARK)
    response.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def streamed(read: Callable[[Session], Pieces], mimetype: str, *, begin: str = "") -> Response:
    """A response from pieces of text, which `read` makes in one snapshot of the database.

    All pieces are in a temporary file before the first is sent: the connection does not wait for the client, and an
    error becomes an error page instead of half a file. It is the request's own connection: if each download took a
    second one, a dozen at once would wait for each other.
    """
    session = db.session()
    file = tempfile.TemporaryFile()  # noqa: SIM115 it is read after this function
    try:
        read_snapshot(session)
        file.write(begin.encode())
        for piece in read(session):
            file.write(piece.encode())
            time.sleep(0)  # lets other greenlets run
        session.rollback()
    except BaseException:
        file.close()  # first: on a lost connection the rollback fails too
        session.rollback()
        raise
    response = Response(_chunks(file), mimetype=mimetype)
    response.content_length = file.tell()
    response.call_on_close(file.close)
    file.seek(0)
    return response


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(64 * 1024):
            yield chunk
