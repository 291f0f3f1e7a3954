"""Saves by pages that have saved before: only the text is new, and it is stored without Flask.

A hall of 1,500 saves 150 times per second, and half of what each took was Flask's way to the view and back. What that
finds out, the session of the cookie and that its token is good, follows from what is said beside the body (`known`).
Whether that session still counts, and everything else about the test, is asked by the statement that stores the text
(`replacing`), as on the long way. Whatever is not as it nearly always is goes the long way, with its body.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from flask import Flask

from webapp import metrics
from webapp.db.connection import request_timeout
from webapp.db.outages import is_outage
from webapp.exams.answers import SavedAnswer
from webapp.exams.saving import save_at_once, saved_words
from webapp.known import Known, digest
from webapp.models import SessionClaims

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SAVED = "examhall.saved"
"""Where the view leaves whose save it has stored, if it was posted as below."""
FAILED = "examhall.failed"
"""Why a save could not be tried here: the view says it, instead of waiting for the same once more."""
SHORT_FORM = "application/x-www-form-urlencoded"
"""How a page posts a short text. A long one has a boundary of its own each time, by which nobody could be known."""
PLACE = re.compile(r"/tests/([1-9][0-9]{0,8})/answers/([1-9][0-9]{0,8})")
FIELDS = frozenset({"text", "base", "person"})
"""All that a page posts which sends its token in a header: with a field for it, the header might have been bad."""
LONGEST = 64 * 1024
"""Bytes of a body; longer texts are rare, and go the long way."""


class KnownSaves:
    """WSGI middleware around an application, for the saves of its exam pages."""

    def __init__(self, app: Flask) -> None:
        self._app, self._application = app, app.wsgi_app
        self._known: Known[SessionClaims] = Known(SAVED, "200 ")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        place = PLACE.fullmatch(environ.get("PATH_INFO", ""))
        is_short = environ.get("CONTENT_TYPE", "").startswith(SHORT_FORM)
        if place is None or environ["REQUEST_METHOD"] != "POST" or not is_short:
            return self._application(environ, start_response)
        begun, said = time.perf_counter(), digest(environ)
        known = self._known.of(said)
        if known is None:
            return self._application(environ, self._known.remembering(environ, said, start_response))
        kept, (status, headers) = known
        words = self._store(environ, kept, int(place[1]), int(place[2]))
        if words is None:
            return self._application(environ, start_response)
        metrics.timer("exams.save", 200).observe(time.perf_counter() - begun)
        start_response(status, [*_without_length(headers), ("Content-Length", str(len(words)))])
        return [words]

    def _store(self, environ: WSGIEnvironment, kept: SessionClaims, test_id: int, question_id: int) -> bytes | None:
        """Store the text and say so; None if it has to go the long way, which then finds the body unread."""
        form = _form(environ)
        if form is None:
            return None
        try:
            with self._app.app_context(), request_timeout():
                saved: SavedAnswer | None = save_at_once(kept, test_id, question_id, form)
                return None if saved is None else saved_words(saved).encode()
        except Exception as error:
            if not is_outage(error):
                raise
            environ[FAILED] = error
            return None


def _form(environ: WSGIEnvironment) -> dict[str, str] | None:
    """The fields of a body that has no others, and each once; None of another one."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdecimal() and int(length) <= LONGEST) or "HTTP_TRANSFER_ENCODING" in environ:
        return None
    try:
        body = environ["wsgi.input"].read(int(length))
    except OSError:
        return None  # it does not arrive: the long way finds the same, and says it
    environ["wsgi.input"] = BytesIO(body)
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=len(FIELDS),
        )
    except ValueError:
        return None  # no form, or no text: refused on the long way
    form = dict(pairs)
    return form if len(pairs) == len(form) and form.keys() <= FIELDS else None


def _without_length(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    return (pair for pair in headers if pair[0] != "Content-Length")
