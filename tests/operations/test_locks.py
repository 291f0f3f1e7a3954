"""The lock files: what pyproject.toml asks for, in one version each, with checksums, and no address of a registry."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from webapp.config import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = {"runtime": [], "dev": ["dev"], "bench": ["dev", "bench"]}
"""What each lock file holds besides the dependencies themselves."""


def locked(name: str) -> dict[str, str]:
    """The versions in a lock file."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("name", EXTRAS)
def test_dependencies_are_locked_in_a_version_that_fits(name: str) -> None:
    """After a change of pyproject.toml: `make lock`."""
    wanted = [*PROJECT["dependencies"]]
    for extra in EXTRAS[name]:
        wanted += PROJECT["optional-dependencies"][extra]
    versions = locked(name)
    for requirement in map(Requirement, wanted):
        version = versions[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement}: {version} is locked"


@pytest.mark.parametrize("name", EXTRAS)
def test_each_package_has_checksums(name: str) -> None:
    """Whatever the index, pip takes these files and no others."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        assert re.match(r"#|[a-z0-9-]+==\S+( ; .+)? \\$|    --hash=sha256:[0-9a-f]{64}( \\)?$", line), line
        assert not line.endswith("\\") or following.startswith("    --hash="), line


def test_lock_files_agree() -> None:
    """What is served is what was tested and measured."""
    assert locked("runtime").items() <= locked("dev").items() <= locked("bench").items()
