"""Answers leave the installation: one archive per test, for those who grade it.

It holds `candidates/<candidate ID>.txt` (one for each candidacy, with each answer as it is stored), `answers.csv`,
`log.jsonl` (what the log says of this test) and `manifest.json`. All of it is read from one snapshot, and written as it
is read: memory does not grow with the number of candidates' answers.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from webapp.db.transactions import read_snapshot
from webapp.exams.archive import Archive, ArchivedFile, new_archive
from webapp.models import Answer, Candidacy, LogEntry, LogSubject, Question, Test, User
from webapp.models.status import own_end, progress, sitting
from webapp.text.normalization import BYTE_ORDER_MARK
from webapp.web.csv_download import harmless

ROWS_AT_ONCE = 50
"""Answers may have 100,000 characters each."""
RESERVED_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""No file can have such a name on Windows."""
CSV_COLUMNS = (
    "candidate_id", "name", "group", "room", "building", "seat", "question_set", "state", "started", "submitted",
    "own_end", "question", "prompt", "answer", "saved", "characters",
)  # fmt: skip


@dataclass
class Exported:
    """What an archive holds."""

    candidacies: int = 0
    with_answers: int = 0
    log_entries: int = 0


def export_test(session: Session, test_id: int, path: Path, *, now: datetime, zone: ZoneInfo) -> Exported:
    """Write the archive of a test to `path`; times in it are local to `zone`, with their offset.

    Raises `ExportNotWritten`; there is no file then, and one that was there is as it was.
    """
    read_snapshot(session)
    test = session.get_one(Test, test_id)
    exported = Exported()
    with new_archive(path, now.astimezone(zone)) as archive:
        _write_texts(archive, test, _answers(session, test_id), zone, exported)
        with archive.file("answers.csv") as file:
            _write_table(file, _answers(session, test_id), zone)
        with archive.file("log.jsonl") as file:
            _write_log(file, _log_rows(session, test_id), exported)
        archive.write_manifest(
            {
                "form": "examhall-export-1",
                "test": test.title,
                "date": f"{test.start_date}",
                "starts_at": _local(test.starts_at, zone),
                "ends_at": _local(test.ends_at, zone),
                "closed_at": _local(test.closed_at, zone),
                "exported_at": _local(now, zone),
                "candidacies": exported.candidacies,
                "candidacies_with_answers": exported.with_answers,
                "log_entries": exported.log_entries,
            }
        )
    session.rollback()
    return exported


def _answers(session: Session, test_id: int) -> Iterator[Any]:
    """A row per candidacy and question, in the order of candidate IDs; without questions one per candidacy."""
    query = (
        select(
            Candidacy.id,
            Candidacy.number,
            User.name,
            Candidacy.group_name,
            Candidacy.room,
            Candidacy.building,
            Candidacy.seat,
            Candidacy.question_set,
            progress().label("state"),
            Candidacy.started_at,
            Candidacy.submitted_at,
            own_end().label("own_end"),
            Question.position,
            Question.prompt,
            Answer.text.label("answer"),
            Answer.saved_at,
        )
        .select_from(sitting())
        .outerjoin(Question, Question.test_id == Candidacy.test_id)
        .outerjoin(Answer, and_(Answer.candidacy_id == Candidacy.id, Answer.question_id == Question.id))
        .where(Candidacy.test_id == test_id)
        .order_by(Candidacy.sort_number, Candidacy.number, Candidacy.id, Question.position)
    )
    yield from session.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})


def _write_texts(archive: Archive, test: Test, rows: Iterable[Any], zone: ZoneInfo, exported: Exported) -> None:
    names: set[str] = set()
    for _, group in groupby(rows, key=lambda row: row.id):
        first = next(group)
        with archive.file(f"candidates/{file_name(first.number, first.id, names)}.txt") as file:
            file.write(_head(test, first, zone))
            answered = [_write_answer(file, row, zone) for row in chain([first], group)]
        exported.candidacies += 1
        exported.with_answers += any(answered)


def file_name(number: str, candidacy_id: int, names: set[str]) -> str:
    """A name for a candidate's file that every system can store, and that none of `names` (folded) is; adds it there.

    It is the candidate ID, where that will do.
    """
    name = re.sub(r"[^\w.-]", "_", unicodedata.normalize("NFC", number)).strip(".") or "_"
    if name != number or RESERVED_NAMES.fullmatch(name):
        name = f"{name}-{candidacy_id}"
    while name.casefold() in names:
        name = f"{name}-{candidacy_id}"
    names.add(name.casefold())
    return name


def _head(test: Test, row: Any, zone: ZoneInfo) -> str:
    facts = {
        "Test": f"{test.title} ({test.start_date})",
        "Candidate ID": row.number,
        "Name": row.name,
        "Group": row.group_name,
        "Room": row.room,
        "Building": row.building,
        "Seat": row.seat,
        "Question set": row.question_set,
        "State": row.state,
        "Started": _local(row.started_at, zone),
        "Submitted": _local(row.submitted_at, zone),
        "Own end": _local(row.own_end, zone),
    }
    return "".join(f"{label}: {value}\n" for label, value in facts.items() if value)


def _write_answer(file: ArchivedFile, row: Any, zone: ZoneInfo) -> bool:
    """One question with its answer; whether there is one."""
    if row.position is None:
        return False
    file.write(f"\n--- Question {row.position} ---\n")
    if row.prompt:
        file.write(f"{row.prompt}\n")
    if row.answer is None:
        file.write("--- No answer ---\n")
        return False
    # the length tells where an answer ends that looks like one of these lines
    file.write(f"--- Answer, {len(row.answer)} characters, saved {_local(row.saved_at, zone)} ---\n{row.answer}\n")
    return True


def _write_table(file: ArchivedFile, rows: Iterable[Any], zone: ZoneInfo) -> None:
    file.write(BYTE_ORDER_MARK)
    file.write(_csv_line(CSV_COLUMNS))
    for row in rows:
        times = [_local(moment, zone) for moment in (row.started_at, row.submitted_at, row.own_end)]
        length = "" if row.answer is None else len(row.answer)
        answer = [row.position, row.prompt, row.answer, _local(row.saved_at, zone), length]
        file.write(_csv_line([*row[1:9], *times, *answer]))


def _csv_line(cells: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([harmless(cell) for cell in cells])
    return text.getvalue()


def _log_rows(session: Session, test_id: int) -> Iterator[Any]:
    """A row per log entry about this test and candidacy in it, oldest entry first."""
    query = (
        select(
            LogEntry.id,
            LogEntry.at,
            LogEntry.actor_name,
            LogEntry.actor_role,
            LogEntry.action,
            LogEntry.detail,
            LogEntry.hash,
            LogSubject.number,
            LogSubject.name,
            LogSubject.room,
        )
        .join(LogSubject, LogSubject.entry_id == LogEntry.id)
        .where(LogSubject.test_id == test_id)
        .order_by(LogEntry.id, LogSubject.candidacy_id)
    )
    yield from session.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})


def _write_log(file: ArchivedFile, rows: Iterable[Any], exported: Exported) -> None:
    """One JSON object per entry; of those it concerned only the candidates of this test."""
    for _, group in groupby(rows, key=lambda row: row.id):
        first = next(group)
        candidates = [{"candidate_id": row.number, "name": row.name, "room": row.room} for row in chain([first], group)]
        entry = {
            "entry": first.id,
            "at": first.at.isoformat(),
            "who": first.actor_name,
            "role": first.actor_role,
            "action": first.action,
            "detail": json.loads(first.detail),
            "hash": first.hash,
            "candidates": candidates,
        }
        file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        exported.log_entries += 1


def _local(moment: datetime | None, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(sep=" ", timespec="seconds") if moment else ""
