"""A real browser before a real server: Debian's chromium without windows, driven by Playwright, and gunicorn."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from tests.browser.axe import Clean
from tests.browser.house import Desks, House, opened_house
from tests.databases import Database, NewDatabase
from tests.nightly import named
from tests.open_connections import connections_outlive_tests
from tests.server import close_all

CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
"""The first needs three fifths of the time of the others: it has no windows and no pages of its own."""
PATIENCE_SECONDS = 45.0
"""How long a page may take on a busy machine; what a rule bounds more tightly is measured by its own test."""

expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """What drives the browsers."""
    with sync_playwright() as running:
        yield running


def launched(playwright: Playwright, *options: str) -> Browser:
    """A browser of this machine."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.skip("no chromium found; on Debian or Ubuntu: apt install chromium")
    quiet = ["--disable-background-networking", "--disable-component-update"]
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # chromium refuses to run as root with it
    return playwright.chromium.launch(executable_path=program, args=[*quiet, *sandbox, *options])


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One browser per worker; every desk is a context of its own in it."""
    browser = launched(playwright)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def shared_house(
    database_kind: str, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """One server per worker and database, for the tests that leave it alone; each test makes people and exams in it."""
    database = new_database(database_kind, tmp_path_factory.mktemp("house"))
    with opened_house(database) as house, connections_outlive_tests(house.engine):
        yield house


@pytest.fixture
def house(shared_house: House) -> Iterator[House]:
    """The shared server."""
    yield shared_house
    shared_house.session.rollback()  # PostgreSQL ends a connection that stays in a transaction for a minute


@pytest.fixture
def own_house(database: Database) -> Iterator[House]:
    """A server of this test's own, which it may kill."""
    with opened_house(database) as house:
        yield house


@pytest.fixture
def house_with(database: Database) -> Iterator[Callable[..., House]]:
    """Give `environ`, get a server of this test's own with these settings."""
    with ExitStack() as opened:
        yield lambda clock_factor=1, **environ: opened.enter_context(
            opened_house(database, environ, clock_factor=clock_factor)
        )


@pytest.fixture
def desks(chromium: Browser) -> Iterator[Desks]:
    """Browsers of people. At the end none of them may have met an error that its test did not expect."""
    desks = Desks(chromium)
    yield desks
    desks.close()
    close_all()


@pytest.fixture
def scriptless(playwright: Playwright) -> Iterator[Desks]:
    """Desks with JavaScript off in the browser's own settings: Playwright's switch leaves <noscript> unshown."""
    browser = launched(playwright, "--blink-settings=scriptEnabled=false")
    desks = Desks(browser)
    yield desks
    desks.close()
    browser.close()
    close_all()


@pytest.fixture(params=named({"light": False, "all schemes": True}, {"light"}))
def clean(request: pytest.FixtureRequest) -> Clean:
    """axe. That each state is looked at in dark and in forced colors too is for the night."""
    return Clean(in_all_schemes=request.param)
