"""Lists as CSV files: no cell is taken for a formula, and a long file is sent while it is read."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

from flask import Response, current_app
from sqlalchemy.orm import Session

from webapp.database import in_one_moment
from webapp.extensions import db
from webapp.same_text import BYTE_ORDER_MARK

FORMULA = re.compile(r"""\A(?=[\t\r\n]|\ *[=+\-@＝＋－＠])|(?<=[;\t\r\n])(?=[\ "]*[=+\-@＝＋－＠])""")
"""Where a cell could begin a formula: at its start, and after what parts cells where commas do not."""
Pieces = Generator[str, None, None]


def harmless(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe before what could begin one."""
    return FORMULA.sub("'", "" if value is None else str(value))


def csv_answer(read: Callable[[Session], Pieces], filename: str) -> Response:
    """A file to download; `filename` is plain ASCII."""
    answer = streamed(read, "text/csv", begin=BYTE_ORDER_MARK)  # spreadsheets take a file without it for Latin-1
    answer.headers["Content-Disposition"] = f'attachment; filename="{filename}"'
    return answer


def streamed(read: Callable[[Session], Pieces], mimetype: str, *, begin: str = "") -> Response:
    """An answer sent while it is read. `read` makes its pieces, from a session that lives until the last one is sent.

    The request's own session ends before that. The first piece is made at once: what can fail does so while the
    answer can still be an error. What needs the request belongs into it.
    """
    session = Session(db.engine)
    try:
        in_one_moment(session)
        pieces = read(session)
        first = next(pieces)
    except BaseException:
        session.close()
        raise
    answer = Response(_sent(begin + first, pieces, session), mimetype=mimetype)
    answer.call_on_close(pieces.close)  # a HEAD request never begins with the rest
    answer.call_on_close(session.close)
    return answer


def _sent(first: str, pieces: Pieces, session: Session) -> Iterator[str]:
    app = current_app._get_current_object()  # type: ignore[attr-defined] # Werkzeug's proxies have no such type

    def one_by_one() -> Iterator[str]:
        with closing(session), closing(pieces):
            yield first
            while True:
                with app.app_context():  # words are looked up in it; never held while the client takes its time
                    piece = next(pieces, None)
                if piece is None:
                    return
                yield piece

    return one_by_one()
