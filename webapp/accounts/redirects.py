"""Addresses to continue at after signing in: only pages of this site."""

from urllib.parse import urlsplit

from webapp.text.characters import has_control_characters

MAX_LENGTH = 4000
START = "/"


def safe_address(address: str | None) -> str:
    """`address` if it is a path on this site, else the start page.

    Browsers read `//host` and `/\\host` as another host, and remove tabs and line ends first.
    """
    if not address or len(address) > MAX_LENGTH or not address.startswith("/") or address.startswith("//"):
        return START
    if "\\" in address or " " in address or has_control_characters(address):
        return START
    return START if urlsplit(address).path in {"/login", "/logout"} else address
