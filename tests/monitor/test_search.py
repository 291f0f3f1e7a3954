"""What a search phrase finds: parts of words in one column, in any script, signs as they are."""

from __future__ import annotations

from unicodedata import normalize

from sqlalchemy.orm import Session

from tests.hall import Hall
from tests.monitor.sitting import Sitting, found
from webapp.models import Role

SEARCHED: dict[str, dict[str, str]] = {
    "percent": {"seat": "100%", "room": "Room A"},
    "underscore": {"seat": "row_7", "room": "Room A"},
    "backslash": {"seat": "C:\\7", "room": "Room A"},
    "slash": {"seat": "7/8", "room": "Room A"},
    "quote": {"seat": "O'Brien", "room": "Room A"},
    "double quote": {"seat": 'the "last"', "room": "Room A"},
    "plain": {"seat": "rowx7", "room": "Room A"},
}


PHRASES: list[tuple[str, set[str]]] = [
    ("%", {"percent"}), ("_", {"underscore"}), ("w_7", {"underscore"}), ("\\", {"backslash"}), ("/", {"slash"}),
    ("'", {"quote"}), ('"', {"double quote"}), ("ROWX", {"plain"}), ("owx", {"plain"}),
    ("7", set(SEARCHED) - {"percent", "quote", "double quote"}),
    ("room a", set(SEARCHED)), ("room  a", set(SEARCHED)), ("rooma", set()), ("ma", set()), ("room ax", set()),
    ("a 100", set()), ("OR", set()), ("*", set()),
]  # fmt: skip


def test_signs_are_plain_and_parts_of_words_are_found(sitting: Sitting) -> None:
    """Search is one phrase in one column; operators and wildcards mean nothing."""
    for name, fields in SEARCHED.items():
        number = {"slash": "K-A", "underscore": "K-B", "backslash": "K-C", "plain": "K-D"}.get(name, f"K-{name[:2]}")
        person = sitting.hall.person(name="Zed", username=f"u-{name}")
        sitting.ids[name] = sitting.hall.candidacy(sitting.test, person, number=number, **fields).id
    for phrase, names in PHRASES:
        assert sitting.names(("q", phrase)) == names, phrase


SCRIPTS = [
    ("Åsa Öberg", "ÅSA ö"), ("Groß", "GROSS"), ("Ольга Петрова", "ПЕТР"), ("محمد علي", "مد ع"),
    ("王小明", "小"), ("Νίκος Παπάς", "ΠΑΠΆΣ"), ("ज़ोया", "ज़ो"),
    ("Rene\u0301e", "REN\u00c9"), ("Ren\u00e9e", "ne\u0301e"),
]  # fmt: skip


def test_any_script_is_found_with_its_case_folded(hall: Hall, session: Session) -> None:
    """A composed and a decomposed letter are the same."""
    test = hall.test()
    hall.candidacy(test, hall.person(name="Somebody Else"))
    ids = {name: hall.candidacy(test, hall.person(name=name)).id for name, _ in SCRIPTS}
    for name, phrase in SCRIPTS:
        same = {ids[other] for other in ids if normalize("NFC", other) == normalize("NFC", name)}
        assert found(session, ("q", phrase)) == same, name


def test_every_searchable_column(hall: Hall, session: Session) -> None:
    test = hall.test("Thermodynamics")
    hall.contributor(test, role=Role.PLANNER, user=hall.person(name="Petra Planck"))
    one = hall.candidacy(test, hall.person(name="Ada"), number="X77", group_name="Quarks", room="Aula",
                         building="North", seat="12C", question_set="Set Q")  # fmt: skip
    hall.candidacy(hall.test("Other"))
    for phrase in ("x77", "ada", "quark", "aula", "north", "12c", "set q", "thermo", "planck"):
        assert found(session, ("q", phrase)) == {one.id}, phrase
