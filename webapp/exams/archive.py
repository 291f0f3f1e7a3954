"""A ZIP archive that is written as it is read, with the SHA-256 of each file in its manifest."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from webapp.exams.refusals import ExportNotWritten

OWNER_ONLY = 0o600


class ArchivedFile:
    """One file of an archive while it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, text: str) -> None:
        """Add text, as UTF-8."""
        data = text.encode()
        self._hash.update(data)
        self._size += len(data)
        self._file.write(data)

    def facts(self) -> dict[str, Any]:
        """What the manifest tells of the file."""
        return {"bytes": self._size, "sha256": self._hash.hexdigest()}


class Archive:
    """The files of one archive, one after the other."""

    def __init__(self, archive: ZipFile, moment: datetime) -> None:
        self._zip = archive
        self._date = moment.timetuple()[:6]
        self._facts: list[dict[str, Any]] = []

    @contextmanager
    def file(self, name: str) -> Iterator[ArchivedFile]:
        """Write one file; `name` is a path with `/` in the archive."""
        with self._zip.open(self._entry(name), "w", force_zip64=True) as file:
            archived = ArchivedFile(file)
            yield archived
        self._facts.append({"name": name, **archived.facts()})

    def write_manifest(self, facts: dict[str, Any]) -> None:
        """Write `manifest.json`: `facts`, and each file with its size in bytes and its SHA-256."""
        text = json.dumps({**facts, "files": self._facts}, ensure_ascii=False, indent=1)
        self._zip.writestr(self._entry("manifest.json"), text + "\n")

    def _entry(self, name: str) -> ZipInfo:
        entry = ZipInfo(name, self._date)
        entry.compress_type = ZIP_DEFLATED
        entry.external_attr = OWNER_ONLY << 16
        return entry


@contextmanager
def new_archive(path: Path, moment: datetime) -> Iterator[Archive]:
    """An archive that is at `path`, readable by its owner alone, once the block has ended; if it fails, none is.

    Never replaces a file: raises `ExportNotWritten` if there is one, or if the archive cannot be written. `moment` is
    the local time that its files carry.
    """
    if os.path.lexists(path):
        raise ExportNotWritten(path, "exists already, and is not overwritten; name another file")
    try:
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise ExportNotWritten(path, error.strerror or "cannot be written") from error
    unfinished = Path(name)
    try:
        with os.fdopen(number, "wb") as file:
            with ZipFile(file, "w") as archive:
                yield Archive(archive, moment)
            file.flush()
            os.fsync(file.fileno())
        os.link(unfinished, path)  # fails if somebody has made one meanwhile
    except OSError as error:
        raise ExportNotWritten(path, error.strerror or "cannot be written") from error
    finally:
        unfinished.unlink(missing_ok=True)
