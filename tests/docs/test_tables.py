"""Settings, commands, addresses, roles, figures, words: what the tables say is what the code has."""

from __future__ import annotations

import importlib
import re
from dataclasses import MISSING, fields
from datetime import timedelta
from typing import Any

import pytest
from click import Group
from flask import Flask

from tests.docs.documents import DOCUMENTS, table
from webapp.access import MAY, Right
from webapp.actions.kinds import KINDS
from webapp.config import PREFIX, ROOT, Settings
from webapp.db.engine import engine_options
from webapp.models import Role
from webapp.models.status import CandidateWarning, Progress, State
from webapp.monitor.filters import FILTER_NAMES
from webapp.push.hub import STREAMS_UNDER_GEVENT

README = ROOT / "README.md"
REFERENCE = ROOT / "docs" / "reference.md"
DEPLOYMENT = ROOT / "docs" / "deployment.md"
OPERATIONS = ROOT / "docs" / "operations.md"
FLASKS_OWN = {"run", "shell", "routes"}


def test_settings() -> None:
    """Each setting of the code, once, and no other."""
    named = [row[0].strip("`") for row in table(README, "Settings")]
    assert sorted(named) == sorted(PREFIX + field.name.upper() for field in fields(Settings))


def test_defaults_of_settings() -> None:
    """The default that the table names is the code's."""
    defaults = {row[0].strip("`"): row[1] for row in table(README, "Settings")}
    for field in fields(Settings):
        told = defaults[PREFIX + field.name.upper()]
        default: Any = field.default
        if field.default_factory is not MISSING:
            default = field.default_factory()
        if default is None:
            assert told.startswith("unset")
        elif default is not MISSING:
            assert told == f"`{int(default) if isinstance(default, bool) else default}`"


def test_settings_elsewhere_exist() -> None:
    """No document speaks of a setting that is not there."""
    known = {PREFIX + field.name.upper() for field in fields(Settings)}
    for document in DOCUMENTS:
        assert set(re.findall(r"EXAMHALL_[A-Z_]*[A-Z]", document.read_text())) <= known, document.name


def test_commands(app: Flask) -> None:
    """Each command that `flask --app wsgi` offers beside Flask's own."""
    told = {row[0].strip("`") for row in table(README, "Commands")}
    known = set()
    for name, command in app.cli.commands.items():
        if isinstance(command, Group) and name != "db":
            known |= {f"{name} {one}" for one in command.commands}
        else:
            known.add(name)
    assert told == (known - FLASKS_OWN - {"db"}) | {"db upgrade"}


def test_addresses(app: Flask) -> None:
    """Each route with its methods."""
    told = {row[0].strip("`"): set(row[1].split(", ")) for row in table(REFERENCE, "Addresses")}
    known: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        address = re.sub(r"<path:\w+>", "<file>", rule.rule)
        address = re.sub(r"<int[^>]*>", "<id>", address)
        known.setdefault(address, set()).update((rule.methods or set()) - {"HEAD", "OPTIONS"})
    assert told == known


def test_roles() -> None:
    """Who sends and who reads the log of a test, as `access.py` has it."""
    rows = {row[0].replace(" ", "_"): row[1:] for row in table(README, "Who may do what")}
    for role in Role:
        assert rows[role][1].startswith("yes") == (role in MAY[Right.SEND])
        assert ("everything in these tests" in rows[role][2]) == (role in MAY[Right.READ_LOG])
    assert set(rows) == {*Role, "candidate", "administrator"}


@pytest.mark.parametrize("row", table(REFERENCE, "Figures"), ids=lambda row: row[1].rpartition(" ")[2].strip("`"))
def test_figures(row: list[str]) -> None:
    """The number beside a constant is the constant's; times in seconds or days."""
    path, _, name = row[1].strip("`").partition(": ")
    value = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)
    number, _, unit = row[0].partition(" ")
    told = float(number) * {"": 1, "s": 1, "days": 86_400}[unit]
    assert told == (value.total_seconds() if isinstance(value, timedelta) else value)


def test_connections_to_postgresql() -> None:
    """What an operator adds up for `max_connections` is what a process may open."""
    options = engine_options("postgresql+psycopg://")
    told = {row[0]: row[1] for row in table(DEPLOYMENT, "Sizing")}["connections of a process to PostgreSQL"]
    assert told == f"{options['pool_size'] + options['max_overflow']} at most"


def test_streams_of_a_process() -> None:
    """The number that machines are bought by."""
    told = {row[0]: row[1] for row in table(DEPLOYMENT, "Sizing")}["streams of a process with gevent"]
    assert told.startswith(f"{STREAMS_UNDER_GEVENT:,};")


def test_words_of_the_monitor() -> None:
    """Every state, progress and warning, with the value that filters by it."""
    text = OPERATIONS.read_text()
    tables = [re.findall(r"^\| [^|]+ \| `(\w+)` \|", part, re.MULTILINE) for part in text.split("| value | means |")]
    for words in (State, Progress, CandidateWarning):
        assert sorted(words) in [sorted(values) for values in tables], words


def test_actions() -> None:
    """Each action, the roles that may take it, and the names of its values."""
    rows = {row[0].strip("`"): row[1:] for row in table(REFERENCE, "Actions")}
    assert list(rows) == list(KINDS)
    for name, (who, values) in rows.items():
        roles = set(Role) if who == "all staff" else {one.replace(" ", "_") for one in who.split(", ")}
        assert roles == MAY[KINDS[name].right], name
        assert all(f"`{value}`" in values for value in KINDS[name].values), name


def test_filters() -> None:
    """Each parameter that filters the list, in the order of addresses."""
    rows = table(REFERENCE, "Filters")
    assert [name for row in rows for name in re.findall(r"`(\w+)`", row[0])] == list(FILTER_NAMES)


def test_keys() -> None:
    """Each key that the monitor's own list of them has, with the same words."""
    shown = re.findall(r'\(\(("[^)]*"),?\), _\("([^"]*)"\)\)', (ROOT / "templates/monitor/_keys.html").read_text())
    told = {tuple(re.findall(r"`([^`]+)`", row[0])): row[1] for row in table(REFERENCE, "Keys")}
    assert told == {tuple(re.findall(r'"([^"]+)"', keys)): words for keys, words in shown}
