"""The hall behind a server, and the desks before it: a person's browser, watched for every error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from time import time
from typing import Any

from flask import Flask
from httpx import Cookies
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Locator, Page, WebError, expect
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.databases import Database, application_on
from tests.hall import Hall
from tests.server import PASSWORD, SECRET_KEY, Person, Server
from webapp.accounts.passwords import hash_password
from webapp.db.transactions import writing
from webapp.extensions import db
from webapp.models import Candidacy, Question, Role, Test, User

CUT = (
    r"net::ERR_",
    r"htmx:(sse:)?error: (network error|Failed to fetch|timeout|TimeoutError|AbortError|signal)",
    r"\b50[23]\b",
)
"""What browser and htmx write to the console when a test cuts the line or kills the server."""

QUICK_PAGE = """{
const factor = %d, begin = Date.now(), Right = Date, now = performance.now.bind(performance);
const quick = () => begin + (Right.now() - begin) * factor;
window.Date = class extends Right {
  constructor(...given) { given.length ? super(...given) : super(quick()); }
  static now() { return quick(); }
};
performance.now = () => now() * factor;
for (const name of ["setTimeout", "setInterval"]) {
  const right = window[name];
  window[name] = (run, wait, ...given) => right(run, wait / factor, ...given);
}
const timeout = AbortSignal.timeout.bind(AbortSignal);
AbortSignal.timeout = (wait) => timeout(wait / factor);
}"""

_numbers = count(1)
_secret = hash_password(PASSWORD)
NEW_LINE = "\n"


@dataclass
class House:
    """A running server, and its database from the inside."""

    app: Flask
    engine: Engine
    session: Session
    hall: Hall
    server: Server

    @property
    def url(self) -> str:
        """Where the server answers."""
        return self.server.url

    def person(self, name: str, **fields: Any) -> User:
        """Somebody who can sign in."""
        return self.hall.person(name, username=f"user{next(_numbers)}", password_hash=_secret, **fields)

    def exam(self, title: str = "Algebra", **fields: Any) -> Test:
        """A running test with one question; its title is unlike any other in this database."""
        test = self.hall.test(f"{title} {next(_numbers)}", **fields)
        with writing(self.session):
            self.session.add(Question(test_id=test.id, position=1, prompt="Why do the leaves fall?"))
        return test

    def candidate(self, test: Test, name: str = "Ada", **fields: Any) -> User:
        """A candidate of this test, who can sign in."""
        with self.hall.at_once():
            user = self.person(name)
            self.hall.candidacy(test, user, **fields)
        return user

    def invigilator(self, *tests: Test, name: str = "Ines", role: Role = Role.INVIGILATOR) -> User:
        """Somebody who works in these tests."""
        return self.hall.contributor(*tests, role=role, user=self.person(name))

    def fresh(self) -> Session:
        """The session, which sees what the server has written by now."""
        self.session.rollback()
        return self.session

    def over_http(self, user: User) -> Person:
        """This person at another computer, without a browser: where the sending itself is not what is tried."""
        cookies = Cookies()
        cookies.set(*self.session_cookie(user), domain="127.0.0.1")  # where the server's own take its place
        return Person(self.url, user.username, cookies=cookies)

    def session_cookie(self, user: User) -> tuple[str, str]:
        """Name and value of a session as the sign-in gives it."""
        signer: Any = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
        claims = {"_user_id": user.get_id(), "_fresh": True, "sid": f"sid{next(_numbers)}", "last_request": int(time())}
        value = signer.dumps(claims)
        return self.app.config["SESSION_COOKIE_NAME"], value

    def candidacies_of(self, test: Test) -> list[Candidacy]:
        """All of a test, by number."""
        query = db.select(Candidacy).where(Candidacy.test_id == test.id).order_by(Candidacy.number)
        return list(self.fresh().scalars(query))


@contextmanager
def opened_house(
    database: Database,
    environ: dict[str, str] | None = None,
    **options: Any,
) -> Iterator[House]:
    """Serve an empty database; `options` are those of `Server`."""
    with application_on(database) as app, Server(database, environ=environ, **options) as server:
        with app.app_context():  # not for longer: a shared house would be the current one for other tests' commands
            engine = db.engine
        with Session(engine) as session:
            yield House(app, engine, session, Hall(session), server)


@dataclass
class Desk:
    """A person's browser: pages that share cookies and storage."""

    context: BrowserContext
    house: House
    page: Page = field(init=False)
    problems: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.on("weberror", self._on_error)
        self.context.on("console", self._on_console)
        self.context.on("dialog", self._on_dialog)
        self.page = self.context.new_page()

    def expects(self, *patterns: str) -> None:
        """Errors that this test brings about itself: a refused form, a network that it cuts."""
        self.expected += patterns

    def unexpected(self) -> list[str]:
        """What went wrong otherwise."""
        return [one for one in self.problems if not any(re.search(pattern, one) for pattern in self.expected)]

    def tab(self, path: str) -> Page:
        """Another tab."""
        page = self.context.new_page()
        page.goto(self.house.url + path)
        return page

    def goto(self, path: str) -> Page:
        """Go to an address in the first tab."""
        self.page.goto(self.house.url + path)
        return self.page

    def sign_in(self, user: User, path: str = "/") -> Page:
        """By the form; ends at `path`."""
        page = self.goto("/login?next=" + path)
        page.get_by_label("Username").fill(user.username)
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).not_to_have_url(re.compile("/login"))
        page.wait_for_load_state()
        return page

    def sign_in_unseen(self, user: User, path: str = "/") -> Page:
        """By a cookie: where signing in is not what is tried."""
        self.keep_cookie(user)
        return self.goto(path)

    def keep_cookie(self, user: User) -> None:
        """Have a session as the sign-in gives it."""
        name, value = self.house.session_cookie(user)
        self.context.add_cookies([{"name": name, "value": value, "url": self.house.url}])

    def quicken(self, factor: int) -> None:
        """Have clocks and timers of its pages run as fast as those of a quick server."""
        self.context.add_init_script(QUICK_PAGE % factor)

    def _on_error(self, error: WebError) -> None:
        self.problems.append(f"error in a page: {error.error}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text.partition(NEW_LINE)[0]} ({message.location['url']})")

    def _on_dialog(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":
            dialog.accept()
            return
        self.problems.append(f"trap 14: a page called {dialog.type}()")
        dialog.dismiss()


class Desks:
    """The desks of one test."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._desks: list[Desk] = []

    def desk(self, house: House, **options: Any) -> Desk:
        """An empty browser; `options` are Playwright's for a context."""
        context = self._browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(45_000)
        self._desks.append(Desk(context, house))
        return self._desks[-1]

    def close(self) -> None:
        """Close all of them, and fail if one of them met an error that its test did not expect."""
        problems = [problem for desk in self._desks for problem in desk.unexpected()]
        for desk in self._desks:
            desk.context.close()
        assert not problems, "\n".join(problems)


def notice(page: Page, subject: str) -> Locator:
    """The notice with this subject, shown or counted, on a candidate's page."""
    return page.locator("[data-notice]").filter(has=page.get_by_role("heading", name=subject, include_hidden=True))


def is_live(page: Page) -> None:
    """Wait until this page has its stream."""
    expect(page.locator("[data-notices-state]")).to_have_attribute("data-state", "live")


__all__ = ["CUT", "SECRET_KEY", "Desk", "Desks", "House", "is_live", "notice", "opened_house"]
