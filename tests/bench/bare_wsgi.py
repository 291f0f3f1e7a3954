"""Flask alone: it reads each request of a hall that is watched, and has nothing to do. The floor of `watching`."""

from __future__ import annotations

from flask import Flask, Response, request

app = Flask(__name__)


@app.route("/<path:_path>", methods=["GET", "POST"])
def answer(_path: str) -> Response:
    """What the bench's clients look for in the answer to a save and to a refresh."""
    request.form.get("text")
    return Response('<p data-version="1"></p>', headers={"HX-PTag": "unchanged"})
