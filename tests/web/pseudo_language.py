"""A language made for tests: every text stands in brackets. People and places have Greek names, and dates are Greek, so
Latin letters outside of brackets are words that nobody can translate."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.frontend import CommandLineInterface
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGE = "el"
OPEN, CLOSE = "⟦", "⟧"
LATIN = re.compile(r"[A-Za-z]{2,}|\b[a-z]\b")
NAMES = {"Examhall", "UTC", "CSV", "flask", "log", "verify"}
"""The same in every language."""
VOID = {"meta", "link", "input", "br", "path", "circle", "use", "img", "hr"}
UNSEEN = {"script", "style", "code", "kbd"}
READ = {"aria-label", "title", "placeholder", "alt"}
NOT_WORDS = {f"data-{name}" for name in ("when", "fits", "states", "query", "filter", "address", "stands", "needs")}


def extracted(folder: Path) -> Catalog:
    """All texts of the application, by the command of the development guide."""
    pot = folder / "messages.pot"
    command = ["pybabel", "-q", "extract", "-F", "pyproject.toml", "-k", "lazy_gettext", "-o", str(pot)]
    CommandLineInterface().run([*command, "webapp", "templates"])
    with pot.open("rb") as file:
        return read_po(file)


def write_catalogue(folder: Path) -> None:
    """A catalogue with each text in brackets, where the application looks for it below `folder`."""
    catalogue = Catalog(locale=LANGUAGE)
    for message in extracted(folder):
        if not message.id:
            continue
        texts = (message.id,) if isinstance(message.id, str) else message.id
        marked = [f"{OPEN}{text}{CLOSE}" for text in texts]
        catalogue.add(message.id, marked[0] if isinstance(message.id, str) else marked, context=message.context)
    path = folder / LANGUAGE / "LC_MESSAGES" / "messages.mo"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_mo(file, catalogue)


def _outside(text: str) -> str:
    """What stands outside of brackets, which may stand in brackets."""
    inner = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}")
    while inner.search(text):
        text = inner.sub("", text)
    return text


class Untranslated(HTMLParser):
    """The texts of a page, shown or for scripts to show, that stand outside of brackets."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._depth = 0
        self._open: list[tuple[str, bool]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        skipped = given.get("translate") == "no" or tag in UNSEEN
        if tag not in VOID:
            self._open.append((tag, skipped))
        for name, value in given.items():
            is_words = name in READ or (name.startswith("data-") and " " in (value or "").strip())
            if value and is_words and name not in NOT_WORDS and not skipped:
                self._look(_outside(value), f"{tag} {name}")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        outside = ""
        for part in re.split(f"([{OPEN}{CLOSE}])", data):
            self._depth += {OPEN: 1, CLOSE: -1}.get(part, 0)
            outside += part if not self._depth else ""
        if not any(skipped for _, skipped in self._open):
            self._look(outside.replace(CLOSE, ""), self._open[-1][0] if self._open else "")

    def _look(self, text: str, where: str) -> None:
        words = set(LATIN.findall(re.sub(r"\{\w+\}", "", text))) - NAMES
        if words:
            self.found.append(f"{where}: {text.strip()}")
