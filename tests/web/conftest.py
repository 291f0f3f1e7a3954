"""What the tests of translations share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.pseudo_language import write_catalogue


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the texts of the application in the made-up language: to find them all takes most of a second."""
    folder = tmp_path_factory.mktemp("translations")
    write_catalogue(folder)
    return folder
