"""How Alembic runs the migrations: in one write transaction on the application's database."""

from __future__ import annotations

from alembic import context
from flask import current_app

import webapp.models  # noqa: F401 the tables
from webapp.database import WRITE, Instant, of_this_database
from webapp.extensions import db


def render_item(type_: str, item: object, _autogen: object) -> str | bool:
    """Write our column type as what it is in the database, so that a migration needs no application code."""
    return "sa.BigInteger()" if type_ == "type" and isinstance(item, Instant) else False


def run() -> None:
    """Upgrade or downgrade."""
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect().execution_options(**{WRITE: True}) as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            compare_type=True,
            include_object=of_this_database(engine.dialect.name),
            render_item=render_item,
            transaction_per_migration=False,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
