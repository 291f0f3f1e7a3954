"""Lists as CSV files: no cell is taken for a formula, and a long file is sent while it is made."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import closing

from flask import Flask, Response, current_app
from sqlalchemy.orm import Session

from webapp.db.transactions import read_snapshot
from webapp.extensions import db
from webapp.text.normalization import BYTE_ORDER_MARK
from webapp.web.languages import current_locale, in_language
from webapp.web.spool import Spool

FORMULA = re.compile(r"""\A(?=[\t\r\n]|\ *[=+\-@＝＋－＠])|(?<=[;\t\r\n])(?=[\ "]*[=+\-@＝＋－＠])""")
"""Where a cell could begin a formula: at its start, and after what parts cells where commas do not."""
Pieces = Generator[str, None, None]


def harmless(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe before what could begin one."""
    return FORMULA.sub("'", "" if value is None else str(value))


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Rows as lines of CSV."""
    text = io.StringIO()
    csv.writer(text).writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def csv_answer(read: Callable[[Session], Pieces], filename: str) -> Response:
    """A file to download; `filename` is plain ASCII."""
    answer = streamed(read, "text/csv", begin=BYTE_ORDER_MARK)  # spreadsheets take a file without it for Latin-1
    answer.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return answer


def streamed(read: Callable[[Session], Pieces], mimetype: str, *, begin: str = "") -> Response:
    """An answer sent while it is made. `read` makes its pieces, from a session of their own.

    The session ends as soon as all is made: it never waits for the client. The first piece is made at once: what can
    fail does so while the answer can still be an error. What needs the request belongs into it.
    """
    session = Session(db.engine)
    try:
        read_snapshot(session)
        pieces = read(session)
        first = next(pieces)
    except BaseException:
        session.close()
        raise
    spool = Spool()
    app = current_app._get_current_object()  # type: ignore[attr-defined] # Werkzeug's proxies have no such type
    spool.fill(_encoded(app, current_locale(), begin + first, pieces, session))
    answer = Response(spool.parts(), mimetype=mimetype)
    answer.call_on_close(spool.close)
    return answer


def _encoded(app: Flask, locale: str, first: str, pieces: Pieces, session: Session) -> Generator[bytes, None, None]:
    with closing(session), closing(pieces), app.app_context(), in_language(locale):
        yield first.encode()
        for piece in pieces:
            yield piece.encode()
            time.sleep(0)  # others' turn, where threads are greenlets
