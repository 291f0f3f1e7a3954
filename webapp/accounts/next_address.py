"""Where somebody goes after signing in: only ever to a page of this site."""

from __future__ import annotations

from urllib.parse import urlsplit

LONGEST = 4000
START = "/"


def inside(address: str | None) -> str:
    """`address` if it is a path on this site, else the start page.

    Browsers read `//host` and `/\\host` as another host, and drop tabs and line breaks before they look: none of
    these is let through.
    """
    if not address or len(address) > LONGEST or not address.startswith("/") or address.startswith("//"):
        return START
    if "\\" in address or any(ord(character) < 0x21 or 0x7F <= ord(character) < 0xA0 for character in address):
        return START
    if any("\ud800" <= character <= "\udfff" for character in address):
        return START
    try:
        parts = urlsplit(address)
    except ValueError:
        return START
    if parts.scheme or parts.netloc or parts.path in {"/login", "/logout"}:
        return START
    return address
