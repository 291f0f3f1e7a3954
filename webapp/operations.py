"""For the operator: `/healthz`, `/readyz`, `/metrics`."""

from flask import Flask


def init_app(app: Flask) -> None: ...
