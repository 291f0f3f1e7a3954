"""Examhall as an application of its own: what a browser needs to install it."""

from __future__ import annotations

import json
import re
import struct
from urllib.parse import urljoin

from flask import Flask

from webapp.config import ROOT

STATIC = ROOT / "static"


def paper_colors() -> list[str]:
    """The colour of the bar, light and dark."""
    return re.findall(r"--paper: (#\w{6});", (STATIC / "css" / "tokens.css").read_text())[:2]


def test_every_page_names_the_manifest_and_the_bars_color(app: Flask) -> None:
    page = app.test_client().get("/login").text
    address = re.search(r'<link rel="manifest" href="([^"]+)">', page)
    assert address
    answer = app.test_client().get(address[1], buffered=True)
    assert (answer.status_code, answer.mimetype) == (200, "application/manifest+json")
    manifest = json.loads(answer.data)
    assert urljoin(address[1], manifest["start_url"]) == urljoin(address[1], manifest["scope"]) == "/"
    colors = re.findall(
        r'<meta name="theme-color" content="(#\w{6})" media="\(prefers-color-scheme: (?:light|dark)\)">', page
    )
    assert colors == paper_colors()
    assert manifest["theme_color"] == colors[0]


def test_its_icons_are_as_large_as_it_says() -> None:
    """Chrome wants 192 and 512 pixels, and one that a system may cut to its own shape."""
    icons = json.loads((STATIC / "manifest.webmanifest").read_text())["icons"]
    for icon in icons:
        if icon["type"] == "image/png":
            width, height = struct.unpack(">II", (STATIC / icon["src"]).read_bytes()[16:24])
            assert icon["sizes"] == f"{width}x{height}"
        else:
            assert (STATIC / icon["src"]).exists()
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in icons}
    assert [icon["src"] for icon in icons if icon.get("purpose") == "maskable"]
