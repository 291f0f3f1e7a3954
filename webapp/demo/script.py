"""Who and what is in the sample hall: tests, staff, questions, earlier messages. Candidates stand in `hall.csv`."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from webapp.models import Role

PASSWORD = "exam-hall-demo"  # noqa: S105 everyone's, and printed by `make demo`: the hall holds nothing real
EMAIL_DOMAIN = "demo.example"
"""Whoever has an address here belongs to the demo; nobody else's account is ever touched."""


@dataclass(frozen=True)
class DemoTest:
    """A test of the demo; it always began `began_ago` before the demo was started."""

    key: str
    title: str
    began_ago: timedelta
    duration: timedelta
    questions: tuple[str, ...]


TESTS = (
    DemoTest(
        "analysis",
        "Mathematical Analysis (MA1210)",
        timedelta(minutes=40),
        timedelta(hours=5),
        (
            "Let f(x, y) = x³ − 3xy² + 2y. Find all stationary points and say of each whether it is a maximum, "
            "a minimum or a saddle point. Give your reasons.",
            "State the fundamental theorem of calculus, and use it to differentiate F(x) = ∫₀^{x²} sin(t²) dt.",
            "Does the series Σ (−1)ⁿ n / (n² + 1) converge? Does it converge absolutely? Justify each step.",
            "A tank holds 200 litres of brine with 15 kg of salt. Pure water runs in at 4 litres a minute, and the "
            "mixture runs out at the same rate. How much salt is left after half an hour?",
        ),
    ),
    DemoTest(
        "law",
        "Public Law (JU1204)",
        timedelta(minutes=20),
        timedelta(hours=4),
        (
            "Explain the difference between judicial review before and after a law takes effect. Which of the two "
            "does the country you know best have, and why?",
            "A city council forbids all gatherings in the town square for one year. Discuss whether this is "
            "compatible with the freedom of assembly. Name the steps of the test you apply.",
            "“Parliament can make or unmake any law whatever.” How far does this still hold?",
            "Describe briefly: (a) a vote of no confidence, (b) a caretaker government, (c) a minority government.",
            "Which limits does proportionality set to emergency powers? Give one historical example.",
        ),
    ),
    DemoTest(
        "biology",
        "Human Biology, resit (ME1021)",
        timedelta(minutes=5),
        timedelta(hours=3),
        (
            "Name the bones of the wrist, in order from the thumb's side, both rows.",
            "Describe the way of a red blood cell from the right atrium to the left ventricle.",
            "A patient cannot lift the foot after a blow below the knee. Which nerve is hurt, and where does it run?",
        ),
    ),
)


@dataclass(frozen=True)
class Contributor:
    """Somebody who works in the demo: in these tests, in this role, in this room only (None: in all)."""

    username: str
    name: str
    role: Role
    tests: tuple[str, ...]
    room: str | None = None


ADMINISTRATOR = ("admin", "Roksana Hrabia")
STAFF = (
    Contributor("planner", "Christina Lindström", Role.PLANNER, ("analysis", "law", "biology")),
    Contributor("chief", "Anna Lundgren Wang", Role.CHIEF_INVIGILATOR, ("analysis", "law", "biology")),
    Contributor("invigilator", "Bo Karlsson", Role.INVIGILATOR, ("analysis", "biology")),
    Contributor("invigilator2", "Birgitta Svensson", Role.INVIGILATOR, ("analysis",), "Sal A115"),
    Contributor("invigilator3", "Maria Larsson", Role.INVIGILATOR, ("law",), "Aula Magna"),
    Contributor("invigilator4", "Maria Karlsson Svanberg", Role.INVIGILATOR, ("law",), "Aula magna"),
    Contributor("invigilator5", "الأستاذ سليم أكلب", Role.INVIGILATOR, ("biology",), "Sal C9"),
)


@dataclass(frozen=True)
class EarlierMessage:
    """A message that had been sent before the demo was started; `filter` are the monitor's parameters."""

    key: str
    sender: str
    sent_ago: timedelta
    subject: str
    body: str
    test: str
    filter: tuple[tuple[str, str], ...] = ()
    candidate: str | None = None
    """The username of the only recipient, in place of a filter."""


EARLIER_MESSAGES = (
    EarlierMessage(
        "demo-message-water",
        "invigilator2",
        timedelta(minutes=25),
        "Water and windows",
        "There is water on the table at the back. Raise your hand if you would like a window opened.",
        "analysis",
        (("room", "Sal A115"),),
    ),
    EarlierMessage(
        "demo-message-misprint",
        "planner",
        timedelta(minutes=12),
        "Misprint in question 3",
        "In question 3 of Public Law the quotation is by A. V. Dicey, 1885.\n"
        "Nothing else changes, and nobody loses time by it.",
        "law",
    ),
    EarlierMessage(
        "demo-message-pen",
        "chief",
        timedelta(minutes=4),
        "Your pencil case",
        "It was found at the entrance. You get it at the end, or now: raise your hand.",
        "analysis",
        candidate="candidate",
    ),
)

FOR_A_LOOK = (
    ("planner", "planner of all three tests"),
    ("chief", "chief invigilator of all three tests"),
    ("invigilator", "invigilator in Analysis and Human Biology"),
    ("invigilator2", "invigilator in room Sal A115 only"),
    ("candidate", "candidate, one of the 77 in Sal A115, Group 07"),
    ("candidate2", "candidate in two tests, one of the 77 too"),
    ("admin", "administrator"),
)
"""Username and what it is, for the table that `make demo` prints. No test starts these candidates by itself."""


@dataclass(frozen=True)
class Seat:
    """A line of `hall.csv`: one person in one test."""

    test: str
    number: str
    username: str
    name: str
    group: str
    room: str
    building: str
    seat: str
    question_set: str
    extra_minutes: int


@cache
def seats() -> tuple[Seat, ...]:
    """All candidacies of the demo: 1,640 of 1,600 persons, 77 of them in room Sal A115 and Group 07."""
    with (Path(__file__).parent / "hall.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(_seat(line) for line in csv.DictReader(lines))


def _seat(line: dict[str, str]) -> Seat:
    extra_minutes = int(line.pop("extra_minutes"))
    return Seat(**line, extra_minutes=extra_minutes)
