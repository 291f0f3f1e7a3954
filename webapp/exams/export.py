"""Exports the answers of a test: one ZIP archive for those who grade it.

It holds `candidates/<candidate ID>.txt` (one for each candidacy), `answers.csv`, `log.jsonl` (the log entries about the
test) and `manifest.json`. Everything is read from one snapshot and written while it is read: memory does not grow with
the number of candidates.
"""

import hashlib
import json
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from webapp.db.transactions import read_snapshot
from webapp.exceptions import Refusal
from webapp.logbook.reading import ROW_COLUMNS
from webapp.models import Answer, Candidacy, LogEntry, LogSubject, Question, Test, User
from webapp.models.status import own_end, progress
from webapp.text.normalization import BYTE_ORDER_MARK
from webapp.web.csv_download import csv_text

FEW_ROWS = {"yield_per": 50}
"""Answers may have 100,000 characters each."""
RESERVED_NAMES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that no file can have on Windows."""
CANDIDACY_COLUMNS: tuple[Any, ...] = (
    Candidacy.number.label("candidate_id"), User.name, Candidacy.group_name.label("group"), Candidacy.room,
    Candidacy.building, Candidacy.seat, Candidacy.question_set, progress().label("state"),
    Candidacy.started_at.label("started"), Candidacy.submitted_at.label("submitted"), own_end().label("own_end"),
)  # fmt: skip
ANSWER_COLUMNS: tuple[Any, ...] = (
    Question.position.label("question"), Question.prompt, Answer.text.label("answer"), Answer.saved_at.label("saved"),
    func.length(Answer.text).label("characters"),
)  # fmt: skip


class Archive:
    """A ZIP archive that is written file by file, and knows the SHA-256 of each."""

    def __init__(self, archive: ZipFile, moment: datetime) -> None:
        self._zip = archive
        self._date = moment.timetuple()[:6]
        self.files: list[dict[str, Any]] = []

    def write(self, name: str, pieces: Iterable[str]) -> int:
        """Write one file from pieces of text, as UTF-8; `name` is a path with `/`. Gives the number of pieces."""
        entry = ZipInfo(name, self._date)
        entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o600 << 16  # unpacked, its owner's alone
        size = count = 0
        checksum = hashlib.sha256()
        with self._zip.open(entry, "w", force_zip64=True) as file:
            for piece in pieces:
                data = piece.encode()
                count += 1
                size += file.write(data)
                checksum.update(data)
        self.files.append({"name": name, "bytes": size, "sha256": checksum.hexdigest()})
        return count


@contextmanager
def new_archive(path: Path, moment: datetime) -> Iterator[Archive]:
    """An archive that appears at `path`, readable by its owner alone, when the block ends without an error.

    Never replaces a file: raises `Refusal` if there is one, or if the archive cannot be written. `moment` is
    the local time that the files in it carry.
    """
    if os.path.lexists(path):
        raise Refusal(f"{path}: exists already, and is not overwritten; name another file")
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as file:
            with ZipFile(file, "w") as archive:
                yield Archive(archive, moment)
            file.flush()
            os.fsync(file.fileno())
            os.link(file.name, path)  # fails if a file has appeared there meanwhile
    except OSError as error:
        raise Refusal(f"{path}: {error.strerror or 'cannot be written'}") from error


def export_test(session: Session, test_id: int, path: Path, *, now: datetime, zone: ZoneInfo) -> dict[str, int]:
    """Write the archive of a test to `path`, and count what is in it; times are local to `zone`, with their offset.

    Raises `Refusal`. Then no file is left, and one that was there is unchanged.
    """
    read_snapshot(session)
    test = session.get_one(Test, test_id)
    with new_archive(path, now.astimezone(zone)) as archive:
        names: set[str] = set()
        answered = 0
        for (candidacy_id, number), group in groupby(_answers(session, test_id), key=itemgetter(0, 1)):
            rows = list(group)
            name = file_name(number, candidacy_id, names)
            archive.write(f"candidates/{name}.txt", _answer_sheet(test, rows, zone))
            answered += any(row.answer is not None for row in rows)
        archive.write("answers.csv", _csv_lines(_answers(session, test_id), zone))
        entries = archive.write("log.jsonl", _log_lines(session, test_id))
        counts = {"candidacies": len(names), "candidacies_with_answers": answered, "log_entries": entries}
        times = {"starts_at": test.starts_at, "ends_at": test.ends_at, "closed_at": test.closed_at, "exported_at": now}
        manifest = {
            "form": "examhall-export-1",
            "test": test.title,
            "date": f"{test.start_date}",
            **{name: _cell(moment, zone) for name, moment in times.items()},
            **counts,
            "files": archive.files,
        }
        archive.write("manifest.json", [json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"])
    session.rollback()
    return counts


def _answers(session: Session, test_id: int) -> Iterator[Any]:
    """A row per candidacy and question, in the order of candidate IDs; without questions one per candidacy."""
    query = (
        select(Candidacy.id, *CANDIDACY_COLUMNS, *ANSWER_COLUMNS)
        .join(Candidacy.test)
        .join(Candidacy.user)
        .outerjoin(Question, Question.test_id == Candidacy.test_id)
        .outerjoin(Answer, and_(Answer.candidacy_id == Candidacy.id, Answer.question_id == Question.id))
        .where(Candidacy.test_id == test_id)
        .order_by(Candidacy.sort_number, Candidacy.number, Candidacy.id, Question.position)
    )
    yield from session.execute(query, execution_options=FEW_ROWS)


def file_name(number: str, candidacy_id: int, names: set[str]) -> str:
    """A file name for a candidate that every system can store: the candidate ID where possible.

    `names` are the names in use, case-folded; the new one is added.
    """
    name = re.sub(r"[^\w.-]", "_", unicodedata.normalize("NFC", number)).strip(".") or "_"
    if name != number or RESERVED_NAMES.fullmatch(name):
        name = f"{name}-{candidacy_id}"
    while name.casefold() in names:
        name = f"{name}-{candidacy_id}"
    names.add(name.casefold())
    return name


def _answer_sheet(test: Test, rows: Sequence[Any], zone: ZoneInfo) -> Iterator[str]:
    """The text file of one candidate: who they are, then each question with its answer."""
    yield f"Test: {test.title} ({test.start_date})\n"
    for column in CANDIDACY_COLUMNS:
        if value := _cell(getattr(rows[0], column.key), zone):
            yield f"{column.key.replace('_', ' ').capitalize().replace(' id', ' ID')}: {value}\n"
    for row in rows:
        if row.question is None:
            continue
        yield f"\n--- Question {row.question} ---\n" + (f"{row.prompt}\n" if row.prompt else "")
        if row.answer is None:
            yield "--- No answer ---\n"
        else:
            # the length tells where an answer ends that looks like one of these lines
            yield f"--- Answer, {row.characters} characters, saved {_cell(row.saved, zone)} ---\n{row.answer}\n"


def _csv_lines(rows: Iterable[Any], zone: ZoneInfo) -> Iterator[str]:
    yield BYTE_ORDER_MARK + csv_text([[column.key for column in (*CANDIDACY_COLUMNS, *ANSWER_COLUMNS)]])
    for row in rows:
        yield csv_text([[_cell(value, zone) for value in row[1:]]])


def _log_lines(session: Session, test_id: int) -> Iterator[str]:
    """One JSON object per log entry, oldest first, with those of its candidates who sit this test."""
    query = (
        select(*ROW_COLUMNS, LogEntry.hash)
        .join(LogSubject, LogSubject.entry_id == LogEntry.id)
        .where(LogSubject.test_id == test_id)
        .order_by(LogEntry.id, LogSubject.candidacy_id)
    )
    rows = session.execute(query, execution_options=FEW_ROWS)
    for _, group in groupby(rows, key=lambda row: row.id):
        subjects = list(group)
        entry = subjects[0]
        who = {"entry": entry.id, "at": entry.at.isoformat(), "who": entry.actor_name, "role": entry.actor_role}
        what = {"action": entry.action, "detail": json.loads(entry.detail), "hash": entry.hash}
        candidates = [{"candidate_id": row.number, "name": row.name, "room": row.room} for row in subjects]
        yield json.dumps({**who, **what, "candidates": candidates}, ensure_ascii=False) + "\n"


def _cell(value: Any, zone: ZoneInfo) -> Any:
    """A value as files show it: moments in local time with their offset, nothing for None."""
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(sep=" ", timespec="seconds")
    return "" if value is None else value
