"""A restore during an exam: a page that stays open must not take a new message for one that it has closed (R9)."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.house import CUT, Desks, House, is_live, notice
from tests.server import ROOT, Server

pytestmark = [pytest.mark.browser, pytest.mark.one_database]

TO_ALL = {"scope": "filtered"}


def run(server: Server, *arguments: str) -> None:
    """A command on the server's database."""
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
        cwd=ROOT, env={**os.environ, **server.environ}, check=True, capture_output=True,
    )  # fmt: skip


@pytest.mark.nightly
@pytest.mark.only_on("sqlite")
def test_r9_after_a_restore_an_open_page_shows_what_is_new(own_house: House, desks: Desks) -> None:
    """The backup is older than a message that the page has closed; without `after-restore` its number comes again."""
    exam = own_house.exam()
    ada = own_house.candidate(exam, "Ada")
    ines = own_house.invigilator(exam)
    session = own_house.session
    for loaded in (exam, ada, ines):
        session.refresh(loaded)
    session.expunge_all()
    session.close()  # nobody else may have the file open that is put back
    server, database = own_house.server, own_house.server.database
    path = database.url.removeprefix("sqlite:///")
    backup = f"{path}.backup"
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    desk = desks.desk(own_house)
    desk.expects(*CUT)
    page = desk.sign_in_unseen(ada, f"/tests/{exam.id}")
    is_live(page)
    assert own_house.over_http(ines).send("Lost with the disk", **TO_ALL).status_code == 201
    expect(notice(page, "Lost with the disk")).to_be_visible()
    notice(page, "Lost with the disk").get_by_role("button", name="Got it").click()
    expect(notice(page, "Lost with the disk")).to_have_count(0)
    server.stop()
    session.get_bind().engine.dispose()
    for leftover in (f"{path}-wal", f"{path}-shm"):
        Path(leftover).unlink(missing_ok=True)
    shutil.copy(backup, path)
    run(server, "after-restore")
    server.start()
    assert own_house.over_http(ines).send("After the restore", **TO_ALL).status_code == 201
    is_live(page)
    expect(notice(page, "After the restore")).to_be_visible()
