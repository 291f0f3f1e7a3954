"""Candidates' pages open nothing that takes the screen or the keyboard away (R11, traps 14, 15)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.hall import Hall, signed_in
from webapp.config import ROOT
from webapp.models import User

JAVASCRIPT = ROOT / "static" / "js"
TAKES_OVER = re.compile(r"\balert\(|\bconfirm\(|\bprompt\(|showModal|showPopover|requestFullscreen")


def loaded(page: str) -> set[Path]:
    """The scripts of ours that a page loads, and those that they import."""
    found: set[Path] = set()
    waiting = [JAVASCRIPT / name for name in re.findall(r'src="/static/js/([\w-]+\.js)', page)]
    while waiting:
        script = waiting.pop()
        if script not in found:
            found.add(script)
            waiting += [JAVASCRIPT / name for name in re.findall(r'from "\./([\w-]+\.js)"', script.read_text())]
    return found


@pytest.mark.one_database
def test_no_page_of_a_candidate_holds_or_opens_a_modal(app: Flask, hall: Hall, session: Session) -> None:
    one = hall.candidacy(hall.test())
    client = signed_in(app, session.get_one(User, one.user_id))
    for path in ("/", "/tests/1", "/tests/1?confirm=submit", "/inbox", "/nowhere"):
        page = client.get(path).text
        assert "data-notices-strip" in page, path
        assert not re.search(r"<dialog|popover|\son\w+=|<script>", page), path
        scripts = loaded(page)
        assert JAVASCRIPT / "notices.js" in scripts, path
        assert JAVASCRIPT / "dialog.js" not in scripts, path
        assert [script.name for script in scripts if TAKES_OVER.search(script.read_text())] == [], path
