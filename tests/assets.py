"""The files that a page loads."""

from __future__ import annotations

import re
from pathlib import Path

from tests.server import ROOT

NAMED = re.compile(r'(?:href|src)="(/static/[^"#]+)')
IMPORTED = re.compile(r'(?:from|import) "\./([^"]+)"')


def loaded(page: str) -> list[str]:
    """The addresses that a page names, and those of the scripts that these import; not what comes when it is used."""
    found = dict.fromkeys(NAMED.findall(page))
    waiting = [address for address in found if ".js" in address]
    while waiting:
        address = waiting.pop()
        for name in IMPORTED.findall(file_at(address).read_text()):
            imported = f"{address.rpartition('/')[0]}/{name}"
            if imported not in found:
                found[imported] = None
                waiting.append(imported)
    return list(found)


def file_at(address: str) -> Path:
    """What stands there."""
    return ROOT / address.partition("?")[0].lstrip("/")


def weights(page: str) -> dict[str, int]:
    """Bytes, not compressed, of the page and of each file that it loads at once, the heaviest first; without fonts."""
    each = {address: file_at(address).stat().st_size for address in loaded(page) if ".woff2" not in address}
    each["the page"] = len(page.encode())
    return dict(sorted(each.items(), key=lambda one: -one[1]))
