"""How Alembic runs the migrations: in one write transaction on the application's database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from flask import current_app
from sqlalchemy import Connection

import webapp.models  # noqa: F401 the tables
from webapp.db.engine import exists_on
from webapp.db.transactions import WRITE
from webapp.db.types import UtcDateTime
from webapp.extensions import db


def render_item(type_: str, item: object, _autogen: object) -> str | bool:
    """Write our column type as what it is in the database, so that a migration needs no application code."""
    return "sa.BigInteger()" if type_ == "type" and isinstance(item, UtcDateTime) else False


def run() -> None:
    """Upgrade or downgrade."""
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect().execution_options(**{WRITE: True}) as connection, _unchecked_until_the_end(connection):
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            compare_type=True,
            include_object=exists_on(engine.dialect.name),
            render_item=render_item,
            # SQLite too: its driver begins nothing by itself here (`webapp/db/engine.py: configure_engine`)
            transactional_ddl=True,
            transaction_per_migration=False,
        )
        with context.begin_transaction():
            context.run_migrations()
            _check_foreign_keys(connection)


@contextmanager
def _unchecked_until_the_end(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by copying it: what points at its rows would keep the old one from being dropped.

    As its documentation says, foreign keys are off meanwhile and all are checked at the end, before the commit.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def _check_foreign_keys(connection: Connection) -> None:
    if connection.dialect.name == "sqlite" and (wrong := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
        raise RuntimeError(f"the migration would leave rows that point at nothing: {wrong[:5]}")


run()
