"""What code, tests and documents cite is in the project: rules, traps, documents; and each rule names its tests."""

from __future__ import annotations

import re

from tests.docs.documents import DOCUMENTS, table
from webapp.config import ROOT

REQUIREMENTS = ROOT / "docs" / "requirements.md"
FOLDERS = ("webapp", "templates", "static/js", "static/css", "migrations", "deploy", "tests")
SUFFIXES = {".py", ".html", ".js", ".css", ".md", ".conf", ".service", ".socket", ".yaml", ".toml"}
SOURCES = sorted(
    path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix in SUFFIXES
)
RULE = re.compile(r"\bR([1-9]\d?)\b|\btest_r(\d+)_")
RULES = re.compile(r"\bR(\d+) to R?(\d+)\b")
TRAPS = re.compile(r"\btraps? (\d+(?:(?:, | and )\d+)*)|\btrap_(\d+)_", re.IGNORECASE)
DOCUMENT = re.compile(r"(?<![\w/.-])(?:docs/[\w./-]+|[A-Z]{4,})\.md\b")


def rules() -> dict[int, list[str]]:
    """The tests that each rule names, by the number of the rule."""
    found = re.findall(r"^\*\*R(\d+) .*?^Tests: (.*?)$", REQUIREMENTS.read_text(), re.MULTILINE | re.DOTALL)
    return {int(number): re.findall(r"`([^`]+)`", tests) for number, tests in found}


def traps() -> dict[int, list[str]]:
    """The tests that each trap names, by its number."""
    return {int(row[0]): re.findall(r"`(tests/[^`]+)`", row[2]) for row in table(REQUIREMENTS, "Traps")}


def cited_rules(text: str) -> set[int]:
    """The numbers of the rules that a text cites."""
    single = {int(a or b) for a, b in RULE.findall(text)}
    return single.union(*(range(int(first), int(last) + 1) for first, last in RULES.findall(text)))


def cited_traps(text: str) -> set[int]:
    """The numbers of the traps that a text cites."""
    return {int(number) for numbers in TRAPS.findall(text) for number in re.findall(r"\d+", " ".join(numbers))}


def test_the_document_is_read_whole() -> None:
    """The patterns above find what the page has: no number twice, and tests for each."""
    numbers = re.findall(r"^\*\*R(\d+) ", REQUIREMENTS.read_text(), re.MULTILINE)
    assert len(rules()) == len(numbers) > 20
    assert list(traps()) == list(range(1, 25))
    assert all([*rules().values(), *traps().values()])


def test_cited_rules_and_traps_exist() -> None:
    """A reader who meets a number finds it in the requirements."""
    known_rules, known_traps = set(rules()), set(traps())
    for path in [*SOURCES, *DOCUMENTS]:
        text = path.read_text()
        assert cited_rules(text) <= known_rules, path
        assert cited_traps(text) <= known_traps, path


def test_cited_documents_exist() -> None:
    """Code, tests and documents name documents of this project only."""
    for path in [*SOURCES, *DOCUMENTS]:
        for cited in DOCUMENT.findall(path.read_text()):
            assert (ROOT / cited).exists() or (path.parent / cited).exists(), f"{path}: {cited}"


def test_tests_cite_their_rules_and_traps() -> None:
    """A test that a rule or trap names says that it holds it."""
    for number, tests in rules().items():
        for name in tests:
            assert number in cited_rules((ROOT / name).read_text()), f"{name}: R{number}"
    for number, tests in traps().items():
        for name in tests:
            assert number in cited_traps((ROOT / name).read_text()), f"{name}: trap {number}"


def test_decision_records_are_listed_and_whole() -> None:
    """Each has its three parts and stands in the list; no number is given twice."""
    folder = ROOT / "docs" / "decisions"
    records = sorted(folder.glob("0*.md"))
    assert len({path.name[:4] for path in records}) == len(records)
    listed = (folder / "README.md").read_text()
    for path in records:
        text = path.read_text()
        number, _, title = text.splitlines()[0].removeprefix("# ").partition(". ")
        assert number == str(int(path.name[:4])), path.name
        assert re.search(r"^Date: \d{4}-\d\d-\d\d$", text, re.MULTILINE), path.name
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], path.name
        assert f"| [{path.name[:4]}]({path.name}) | {title} |" in listed, path.name
