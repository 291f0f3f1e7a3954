"""A ZIP archive that is written piece by piece, with the SHA-256 of each file in its manifest."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from webapp.exceptions import Refusal

OWNER_ONLY = 0o600


class ExportNotWritten(Refusal):
    """The archive of a test could not be written; its text says why."""

    status = 422

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")


class Archive:
    """The files of one archive, written one after the other."""

    def __init__(self, archive: ZipFile, moment: datetime) -> None:
        self._zip = archive
        self._date = moment.timetuple()[:6]
        self._files: list[dict[str, Any]] = []

    def write(self, name: str, pieces: Iterable[str]) -> int:
        """Write one file from pieces of text, as UTF-8; `name` is a path with `/`. Gives the number of pieces."""
        size = count = 0
        checksum = hashlib.sha256()
        with self._zip.open(self._entry(name), "w", force_zip64=True) as file:
            for piece in pieces:
                data = piece.encode()
                count += 1
                size += len(data)
                checksum.update(data)
                file.write(data)
        self._files.append({"name": name, "bytes": size, "sha256": checksum.hexdigest()})
        return count

    def write_manifest(self, facts: dict[str, Any]) -> None:
        """Write `manifest.json`: `facts`, and each file with its size in bytes and its SHA-256."""
        text = json.dumps({**facts, "files": self._files}, ensure_ascii=False, indent=1)
        self._zip.writestr(self._entry("manifest.json"), text + "\n")

    def _entry(self, name: str) -> ZipInfo:
        entry = ZipInfo(name, self._date)
        entry.compress_type = ZIP_DEFLATED
        entry.external_attr = OWNER_ONLY << 16
        return entry


@contextmanager
def new_archive(path: Path, moment: datetime) -> Iterator[Archive]:
    """An archive that appears at `path`, readable by its owner alone, when the block ends without an error.

    Never replaces a file: raises `ExportNotWritten` if there is one, or if the archive cannot be written. `moment` is
    the local time that the files in it carry.
    """
    if os.path.lexists(path):
        raise ExportNotWritten(path, "exists already, and is not overwritten; name another file")
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as file:
            with ZipFile(file, "w") as archive:
                yield Archive(archive, moment)
            file.flush()
            os.fsync(file.fileno())
            os.link(file.name, path)  # fails if a file has appeared there meanwhile
    except OSError as error:
        raise ExportNotWritten(path, error.strerror or "cannot be written") from error
