"""What the templates of the room plan get: seats as HTML, and addresses that stay on the plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar

from flask import current_app
from flask_babel import format_decimal, gettext
from flask_babel.speaklater import LazyString
from markupsafe import Markup
from sqlalchemy import Row

from webapp.models.status import State
from webapp.monitor.filters import CHOICES
from webapp.monitor.page import MonitorPage
from webapp.monitor.plan import MOST_SEATS, Plan
from webapp.monitor.words import candidate_in_words
from webapp.web.templating import current_locale

WITH_MINUTES = (State.OFFLINE, State.IDLE)
MOST_PLANS = 256

_sent_plans: dict[str, Mapping[str, int]] = {}
"""Tag of a plan that was sent → its rows. Who shows it gets the rows that have changed, not 1,500 seats again."""


def sent_rows(tag: str) -> Mapping[str, int]:
    """The rows of a plan that this process has sent, by their ids; nothing for another one."""
    return _sent_plans.get(tag, {})


def _remember(tag: str, rows: Mapping[str, int]) -> None:
    while len(_sent_plans) >= MOST_PLANS:
        _sent_plans.pop(next(iter(_sent_plans)), None)
    _sent_plans[tag] = rows


@lru_cache(maxsize=16)  # equal macros keep the cached seats
def _macros(_locale: str) -> Any:
    return current_app.jinja_env.get_template("monitor/_plan_seat.html").make_module({})


@lru_cache(maxsize=8192)  # as with the rows of the list, few of them change between two refreshes
def _render_seat(row: Row[Any], macros: Any, may_send: bool) -> Markup:
    html: Markup = macros.seat(row, candidate_in_words(row.name, row.number), _state_in_words(row), may_send)
    return html


def _state_in_words(row: Row[Any]) -> str:
    words = str(CHOICES["state"].values[row.state])
    if row.state not in WITH_MINUTES or not row.minutes:
        return words
    if row.minutes >= 120:
        return str(gettext("%(state)s %(hours)s h", state=words, hours=format_decimal(row.minutes // 60)))
    return str(gettext("%(state)s %(minutes)s min", state=words, minutes=format_decimal(row.minutes)))


@dataclass(frozen=True)
class PlanPage(MonitorPage):
    """The plan in place of the list; its `listing` has the count and no rows."""

    endpoint: ClassVar[str] = "monitor.plan"
    most_seats: ClassVar[int] = MOST_SEATS
    plan: Plan

    @cached_property
    def grid_rows(self) -> dict[str, int]:
        """The rows of all grids, by their ids: equal numbers mean rows that look the same."""
        rows = {
            f"row-{place}-{number}": hash((label, self.tests_to_send, *map(tuple, cells)))
            for place, room in enumerate(self.plan.rooms, 1)
            for number, (label, cells) in enumerate(room.grid.rows if room.grid else (), 1)
        }
        _remember(self.tag, rows)
        return rows

    def is_known(self, row: str) -> bool:
        """Whether the page has this row already as it is."""
        return sent_rows(self.asked_tag).get(row) == self.grid_rows[row]

    @property
    def shown(self) -> tuple[object, ...]:
        return (*super().shown, self.plan.shown)

    @property
    def states(self) -> dict[str, LazyString]:
        """State → words, for the legend."""
        return CHOICES["state"].values

    @property
    def seat_signs(self) -> Any:
        """State → its icon."""
        return _macros(current_locale()).signs

    def seat(self, row: Row[Any]) -> Markup:
        """A candidate's seat as HTML."""
        return _render_seat(row, _macros(current_locale()), row.test_id in self.tests_to_send)
