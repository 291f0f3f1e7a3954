"""The application of flask-sse's documentation: its blueprint at /stream, and a route that publishes.

Its channel comes from the address, so each recipient listens on one of their own, and each is published to.
"""

from __future__ import annotations

import os

from flask import Flask, request
from flask_sse import sse

app = Flask(__name__)
app.config["REDIS_URL"] = os.environ["REDIS_URL"]
app.register_blueprint(sse, url_prefix="/stream")


@app.get("/ready")
def ready() -> str:
    """Answer."""
    return "ready"


@app.post("/send")
def send() -> str:
    """Publish `data` to each of the `channels`."""
    message = request.get_json()
    for channel in message["channels"]:
        sse.publish(message["data"], channel=channel)
    return "sent"
