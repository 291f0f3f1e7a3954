"""The bar above the pages of staff: their open tests, the room they are limited to, and when it ends."""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs

from flask import Flask, request
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import or_, select

from webapp.access import ENTRY_BEFORE_START, IS_OPEN, AccessScope, Right, access_scope
from webapp.clock import utcnow
from webapp.db.types import MAX_ID
from webapp.extensions import db
from webapp.models import Test
from webapp.web.templating import installation_zone, local

MAX_TESTS = 200
"""In the menu and by name; an administrator of more finds the others by the filter of the list."""

TEST_ID = re.compile(r"[1-9][0-9]{0,9}")


@dataclass(frozen=True)
class BarTest:
    """A test as the bar shows it."""

    id: int
    title: str
    starts_at: datetime
    ends_at: datetime
    room: str | None
    """The only room that the person sees of it; None for all."""
    is_open: bool

    @property
    def hours(self) -> str:
        """Such as "09:06–15:06"."""
        return f"{_clock(self.starts_at)}–{_clock(self.ends_at)}"


@dataclass(frozen=True)
class StaffBar:
    """What the bar shows; `static/js/staff-bar.js` keeps it true while the list is filtered and time goes on."""

    now: datetime
    offered: list[BarTest]
    """In the menu: those that are open, the first to end at the top."""
    shown: list[BarTest]
    """Those that the list is about: those of its filter, else all that are open."""

    @property
    def clock(self) -> str:
        """Now, to the minute."""
        return _clock(self.now)

    @property
    def zone(self) -> str:
        """The zone of the clock and of all times."""
        return str(installation_zone())

    @property
    def chosen(self) -> BarTest | None:
        """The only test that the page is about."""
        return self.shown[0] if len(self.shown) == 1 else None

    @property
    def title(self) -> str:
        """What the page is about, in a few words."""
        if not self.shown:
            return str(gettext("No open test"))
        if self.chosen:
            return self.chosen.title
        if self.shown == self.offered:
            return str(gettext("All my tests"))
        return str(gettext("{count} tests")).format(count=len(self.shown))

    @property
    def room(self) -> str | None:
        """The only room that the person sees of all that is shown."""
        rooms = {test.room for test in self.shown}
        return rooms.pop() if len(rooms) == 1 else None

    @property
    def end(self) -> datetime | None:
        """Of the chosen test, else the next one."""
        if self.chosen:
            return self.chosen.ends_at
        return min((test.ends_at for test in self.shown if test.ends_at > self.now), default=None)

    @property
    def end_in_words(self) -> str:
        """Such as "ends 15:06"; empty if there is none to come."""
        if self.chosen and self.chosen.starts_at > self.now:
            return str(gettext("starts {time}")).format(time=_clock(self.chosen.starts_at))
        if self.end is None:
            return ""
        words = gettext("ends {time}") if self.end > self.now else gettext("ended {time}")
        return str(words if self.chosen else gettext("next end {time}")).format(time=_clock(self.end))

    @property
    def left_in_words(self) -> str:
        """Such as "4 h 49 min left"; empty before the start and after the end."""
        has_begun = self.chosen is None or self.chosen.starts_at <= self.now
        if self.end is None or self.end <= self.now or not has_begun:
            return ""
        return time_left_in_words(self.end, self.now)


def init_app(app: Flask) -> None:
    """Give the templates of staff their bar."""
    app.add_template_global(staff_bar)
    app.add_template_filter(initials)


def staff_bar(scope: AccessScope | None = None) -> StaffBar:
    """The bar of the signed-in person. `scope` is all that they may watch, where the page has read it already."""
    now = utcnow()
    if scope is None:
        scope = access_scope(db.session(), current_user, Right.WATCH, now)
    # also above the page that refuses an address, which may not even be text
    wanted = parse_qs(request.query_string.decode(errors="replace")).get("test", [])
    ids = {int(text) for text in wanted[:MAX_TESTS] if TEST_ID.fullmatch(text)}
    named = {test_id for test_id in ids if test_id <= MAX_ID}
    query = select(Test.id, Test.title, Test.starts_at, Test.ends_at).where(
        scope.test_condition(), or_(IS_OPEN, Test.id.in_(named))
    )
    rooms = {} if scope.everything else scope.rooms
    in_order = query.order_by(Test.ends_at, Test.title).limit(MAX_TESTS)
    rows = db.session().execute(in_order, {"until": now + ENTRY_BEFORE_START})
    tests = [BarTest(*row, room=rooms.get(row.id), is_open=row.id in scope.open_tests) for row in rows]
    offered = [test for test in tests if test.is_open]
    return StaffBar(now, offered, [test for test in tests if test.id in named] if named else offered)


def time_left_in_words(end: datetime, now: datetime) -> str:
    """Such as "4 h 49 min left", for an end to come."""
    hours, minutes = divmod(-int(-(end - now).total_seconds() // 60), 60)
    words = gettext("{h} h {m} min left") if hours else gettext("{m} min left")
    return str(words).format(h=hours, m=minutes)


def initials(name: str) -> str:
    """Of the first and the last word of a name, for a picture of the person: "Anna Lundgren Wang" is AW."""
    words = name.split()
    return "".join(word[0] for word in [*words[:1], *words[1:][-1:]]).upper()


def _clock(moment: datetime) -> str:
    return f"{local(moment):%H:%M}"
