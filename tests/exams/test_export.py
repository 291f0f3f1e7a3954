"""A test's answers get out whole and unchanged: the archive, its checksums, and what it never overwrites."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import stat
import tracemalloc
from pathlib import Path
from zipfile import ZipFile

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.hall import Hall
from webapp.clock import utcnow
from webapp.config import Settings
from webapp.db.transactions import writing
from webapp.exams.export import export_test, file_name, new_archive
from webapp.exceptions import Refusal
from webapp.logbook.verify import export
from webapp.models import Answer, Candidacy, Question, Test
from webapp.planning.closing import set_closed

HOSTILE = "Första raden\n--- Question 2 ---\n=1+1\t\u202eabc\u202c 🎓\n\nslut"


class Exam:
    """A test with two questions, and what its candidates have answered."""

    def __init__(self, session: Session, title: str = "Algebra") -> None:
        self.session = session
        self.hall = Hall(session)
        self.test = self.hall.test(title)
        with writing(session):
            self.questions = [Question(test_id=self.test.id, position=n, prompt=f"Why {n}?") for n in (1, 2)]
            session.add_all(self.questions)

    def candidate(self, number: str, *answers: str | None, **fields: object) -> Candidacy:
        """Somebody who has given these answers, in the order of the questions; None for none."""
        candidacy = self.hall.candidacy(self.test, number=number, **fields)
        with writing(self.session):
            for question, text in zip(self.questions, answers, strict=False):
                if text is not None:
                    answer = Answer(candidacy_id=candidacy.id, question_id=question.id, text=text, saved_at=utcnow())
                    self.session.add(answer)
        return candidacy


@pytest.fixture
def exam(session: Session) -> Exam:
    return Exam(session)


def exported(app: Flask, test: Test, path: Path) -> tuple[int, str]:
    arguments = ["export-test", test.title, "--date", f"{test.start_date}", "--output", str(path)]
    result = app.test_cli_runner().invoke(args=arguments)
    return result.exit_code, result.output


def test_every_answer_is_in_it_as_it_is_stored(app: Flask, exam: Exam, tmp_path: Path) -> None:
    exam.candidate("A1", HOSTILE, None)
    exam.candidate("A2", "", "second", submitted_at=utcnow())
    exam.candidate("A3", started_at=None, entered_at=None)
    other = exam.hall.candidacy(exam.hall.test("Biology"), number="A1")
    assert other.test_id != exam.test.id
    code, output = exported(app, exam.test, tmp_path / "out.zip")
    assert code == 0
    assert "3 candidacies, 2 with answers" in output
    assert "not closed: answers may still change" in output
    with ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        assert names == {
            "candidates/A1.txt", "candidates/A2.txt", "candidates/A3.txt", "answers.csv", "log.jsonl", "manifest.json",
        }  # fmt: skip
        first = archive.read("candidates/A1.txt").decode()
        assert f"--- Answer, {len(HOSTILE)} characters, saved " in first
        assert f"---\n{HOSTILE}\n\n--- Question 2 ---\nWhy 2?\n--- No answer ---\n" in first
        assert "State: inactive" in archive.read("candidates/A3.txt").decode()
        rows = list(csv.DictReader(io.StringIO(archive.read("answers.csv").decode("utf-8-sig"))))
    found = [(row["candidate_id"], row["question"], row["answer"], row["state"]) for row in rows]
    assert found == [
        ("A1", "1", HOSTILE.replace("\n---", "\n'---").replace("\n=", "\n'="), "in_progress"),  # no formula
        ("A1", "2", "", "in_progress"),
        ("A2", "1", "", "submitted"),
        ("A2", "2", "second", "submitted"),
        ("A3", "1", "", "inactive"),
        ("A3", "2", "", "inactive"),
    ]
    assert [row["characters"] for row in rows] == [str(len(HOSTILE)), "", "0", "6", "", ""]


def test_the_manifest_has_the_checksum_of_each_file(app: Flask, exam: Exam, tmp_path: Path) -> None:
    exam.candidate("A1", "one")
    session = exam.session
    set_closed(session, exam.test.title, exam.test.start_date, closed=True, now=utcnow())
    code, output = exported(app, exam.test, tmp_path / "out.zip")
    assert code == 0
    assert "not closed" not in output
    with ZipFile(tmp_path / "out.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert {file["name"] for file in manifest["files"]} == set(archive.namelist()) - {"manifest.json"}
        for file in manifest["files"]:
            content = archive.read(file["name"])
            assert hashlib.sha256(content).hexdigest() == file["sha256"], file["name"]
            assert len(content) == file["bytes"]
        (entry,) = [json.loads(line) for line in archive.read("log.jsonl").decode().splitlines()]
    assert (manifest["test"], manifest["candidacies"], manifest["log_entries"]) == ("Algebra", 1, 1)
    assert manifest["closed_at"]
    assert entry["action"] == "test.closed"
    assert [one["candidate_id"] for one in entry["candidates"]] == ["A1"]
    assert entry["hash"] in "\n".join(export(session))


def test_only_its_owner_reads_it_and_no_file_is_replaced(app: Flask, exam: Exam, tmp_path: Path) -> None:
    exam.candidate("A1", "one")
    path = tmp_path / "out.zip"
    assert exported(app, exam.test, path)[0] == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    code, output = exported(app, exam.test, path)
    assert (code, "exists already" in output) == (1, True)
    assert path.read_bytes() == before
    (tmp_path / "link.zip").symlink_to(tmp_path / "nowhere")
    assert exported(app, exam.test, tmp_path / "link.zip")[0] == 1
    assert {file.name for file in tmp_path.iterdir() if file.suffix == ".zip"} == {"out.zip", "link.zip"}


def test_a_file_that_appears_meanwhile_stays_and_nothing_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "out.zip"

    def write_late() -> None:
        with new_archive(path, utcnow()) as archive:
            archive.write("answers.csv", ["ours"])
            path.write_text("somebody else's")

    with pytest.raises(Refusal, match="File exists"):
        write_late()
    assert [file.name for file in tmp_path.iterdir()] == ["out.zip"]
    assert path.read_text() == "somebody else's"


def test_an_export_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail() -> None:
        with new_archive(tmp_path / "out.zip", utcnow()) as archive:
            archive.write("answers.csv", (f"{1 / number}" for number in (1, 0)))

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_said(app: Flask, exam: Exam, tmp_path: Path) -> None:
    code, output = exported(app, exam.test, tmp_path / "nowhere" / "out.zip")
    assert (code, "No such file or directory" in output) == (1, True)


def test_a_test_that_is_not_there_is_refused(app: Flask, exam: Exam, tmp_path: Path) -> None:
    arguments = ["export-test", "Geometry", "--date", "2020-01-01", "--output", str(tmp_path / "out.zip")]
    assert app.test_cli_runner().invoke(args=arguments).exit_code == 1
    assert list(tmp_path.glob("*.zip")) == []


def test_each_candidate_has_a_file_whatever_their_id_is() -> None:
    names: set[str] = set()
    ids = ["A1", "a1", "Å1", "A\u030a1", "../../etc/passwd", "..", "con", "A 1", "A/1", "NUL.x"]
    files = [file_name(number, place, names) for place, number in enumerate(ids)]
    assert files == ["A1", "a1-1", "Å1", "Å1-3", "_.._etc_passwd-4", "_-5", "con-6", "A_1-7", "A_1-8", "NUL.x-9"]
    assert len({name.casefold() for name in files}) == len(ids)
    names = {"a1", "a1-7"}
    assert file_name("A1", 7, names) == "A1-7-7"


@pytest.mark.thorough
@pytest.mark.one_database("postgresql")
def test_memory_does_not_grow_with_the_answers(exam: Exam, tmp_path: Path) -> None:
    """120 answers of 100,000 letters are 12 MB."""
    session = exam.session
    candidacies = exam.hall.candidacies(exam.test, 120)
    with writing(session):
        session.add_all(
            Answer(candidacy_id=one.id, question_id=exam.questions[0].id, text="x" * 100_000, saved_at=utcnow())
            for one in candidacies
        )
    test_id = exam.test.id
    session.expunge_all()
    zone = Settings(secret_key="", database_url="").timezone
    tracemalloc.start()
    found = export_test(session, test_id, tmp_path / "out.zip", now=utcnow(), zone=zone)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found["candidacies_with_answers"] == 120
    assert peak < 6_000_000
