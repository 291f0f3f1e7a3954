"""How a person's monitor is shown until they choose otherwise: order, columns, density, and the view it opens with.

An address that names an order or columns shows those (R18). Density is the person's alone and in no address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from webapp.db.transactions import writing
from webapp.db.types import MAX_ID
from webapp.exceptions import BadParameter
from webapp.models import User
from webapp.monitor.columns import COLUMN_BY_KEY, DEFAULT_COLUMNS, NEED, Defaults

DENSITIES = ("40", "32")
"""Heights of a row in pixels where a mouse is used, the default first."""
VIEW_ID = re.compile(r"[1-9][0-9]{0,9}")
SETTINGS = ("sort", "column", "density")
"""What a person sets by the names of an address."""


@dataclass(frozen=True)
class Settings:
    """What a person has chosen; empty values are the list's own."""

    sort: str = ""
    columns: tuple[str, ...] = ()
    density: str = DENSITIES[0]
    view: int | None = None
    """The saved view that the plain monitor opens with."""

    @property
    def named(self) -> frozenset[str]:
        """What every address of this person has to name, because without it their choice would be shown."""
        chosen = {"sort": self.sort, "column": self.columns, "view": self.view}
        return frozenset(name for name, value in chosen.items() if value)

    def applied(self, args: MultiDict[str, str], defaults: Defaults) -> MultiDict[str, str]:
        """The parameters of an address, with what it does not name. Where many tests are in sight nobody is worked
        out who needs somebody, unless the address asks for it."""
        completed = MultiDict(args.items(multi=True))
        if self.sort and "sort" not in args and (self.sort.removeprefix("-") != NEED or defaults.sort == NEED):
            completed["sort"] = self.sort
        if self.columns and "column" not in args:
            completed.setlist("column", list(self.columns))
        return completed

    def changed(self, changes: MultiDict[str, str]) -> Settings:
        """With what a form sets; a blank value leads back to the list's own. Raises `BadParameter`."""
        for name in changes:
            if name not in SETTINGS:
                raise BadParameter(name)
        settings = self
        if "sort" in changes:
            settings = replace(settings, sort=_sort(_single(changes, "sort")))
        if "column" in changes:
            settings = replace(settings, columns=_columns(changes.getlist("column")))
        if "density" in changes:
            settings = replace(settings, density=_density(_single(changes, "density")))
        return settings

    def stored(self) -> str:
        """As `User.monitor_settings` has it."""
        pairs = [("sort", self.sort), *(("column", key) for key in self.columns), ("density", self.density)]
        pairs.append(("view", str(self.view or "")))
        return urlencode([(name, value) for name, value in pairs if value and value != DENSITIES[0]])


def _single(changes: MultiDict[str, str], name: str) -> str:
    values = changes.getlist(name)
    if len(values) > 1:
        raise BadParameter(name, values[1])
    return values[0]


def _sort(value: str) -> str:
    if value and value.removeprefix("-") not in COLUMN_BY_KEY:
        raise BadParameter("sort", value)
    return value


def _columns(values: list[str]) -> tuple[str, ...]:
    columns = tuple(dict.fromkeys(value for value in values if value))
    for key in columns:
        if key not in COLUMN_BY_KEY:
            raise BadParameter("column", key)
    return () if columns == DEFAULT_COLUMNS else columns


def _density(value: str) -> str:
    if value not in DENSITIES:
        raise BadParameter("density", value)
    return value


def settings_of(user: User) -> Settings:
    """What this person has chosen. What a later release no longer knows is left out."""
    values: MultiDict[str, str] = MultiDict(parse_qsl(user.monitor_settings))
    sort, view = values.get("sort", ""), values.get("view", "")
    columns = tuple(key for key in values.getlist("column") if key in COLUMN_BY_KEY)
    density = values.get("density", DENSITIES[0])
    return Settings(
        sort if sort.removeprefix("-") in COLUMN_BY_KEY else "",
        columns,
        density if density in DENSITIES else DENSITIES[0],
        parse_view_id(view) if view else None,
    )


def parse_view_id(value: str) -> int:
    """The number of a saved view. Raises `BadParameter`."""
    if not VIEW_ID.fullmatch(value) or int(value) > MAX_ID:
        raise BadParameter("view", value)
    return int(value)


def save_settings(session: Session, user_id: int, changes: MultiDict[str, str]) -> Settings:
    """Remember what a person has changed, and keep the rest. Raises `BadParameter` for anything unknown."""
    with writing(session):
        user = lock_person(session, user_id)
        settings = settings_of(user).changed(changes)
        user.monitor_settings = settings.stored()
    return settings


def lock_person(session: Session, user_id: int) -> User:
    """The person, locked: what one keeps is changed by one request at a time."""
    return session.scalars(select(User).where(User.id == user_id).with_for_update()).one()
