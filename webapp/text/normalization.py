"""The two normal forms of a text.

`normalize()` is the form in which names, IDs, rooms, groups, titles and filter values are stored, shown and compared:
texts that look alike become equal; case and accents count. `fold_for_search()` is the form in which a search compares.
"""

import re
import unicodedata

BYTE_ORDER_MARK = "\ufeff"
"""What a file in UTF-8 may begin with, and what is no part of its text."""
BLANK = r"\s\u2800"
"""Spaces of any kind, with the braille one."""
JOINERS = "\u200c\u200d"
SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""They choose among the shapes of the character before them."""
NEVER_SEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
"""Soft hyphen, marks of direction, zero-width space, fillers, tags … (Unicode's Default_Ignorable_Code_Point)."""
PICTURES = "\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
IDEOGRAPHS = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
JOINING_SCRIPTS = (
    "\u0600-\u109f\u1780-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00010fff\U00011000-\U00011fff"
)
"""Arabic, Syriac, Mongolian, the scripts of India and their neighbours: joiners change how their letters look."""
JOINED = f"{JOINING_SCRIPTS}{PICTURES}\ufe0f"

_VISIBLE = re.compile(f"[^{BLANK}{JOINERS}{SELECTORS}{NEVER_SEEN}]")
_ENDS = re.compile(f"^[{BLANK}{JOINERS}{NEVER_SEEN}]+|[{BLANK}{JOINERS}{NEVER_SEEN}]+$")
_SPACES = re.compile(f"[{BLANK}]+")
_USELESS = (
    re.compile(f"[{NEVER_SEEN}]+"),
    re.compile(f"(?<![{PICTURES}{IDEOGRAPHS}])[{SELECTORS}]+|(?<=[{SELECTORS}])[{SELECTORS}]+"),
    re.compile(f"(?<=[{JOINERS}])[{JOINERS}]+"),
    re.compile(f"(?<![{JOINED}])[{JOINERS}]|[{JOINERS}](?![{JOINED}])"),
)
"""Invisible signs, but for those that the characters beside them need."""

APOSTROPHES = "\u2018\u2019\u201a\u201b\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u2032\u2035\uff07`\u00b4"
HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u058a\u05be\u2e3a\u2e3b\ufe58\ufe63\uff0d"
LETTERS = {**dict(zip("ıøđðħłŧς", "ioddhltσ", strict=True)), "æ": "ae", "œ": "oe"}
ALIKE = str.maketrans(dict.fromkeys(APOSTROPHES, "'") | dict.fromkeys(HYPHENS, "-") | LETTERS)
"""Apostrophes, hyphens and dashes; letters whose accent Unicode does not take apart."""
_DIGITS = re.compile("0*([0-9]+)")
_SHAPING = re.compile(f"[{JOINERS}{SELECTORS}]+")
ACCENTS_FROM = 10
"""Combining classes below are parts of letters, in Japan and India."""


def normalize(text: str) -> str:
    """The text as what it is the same thing as: composed (NFC), without invisible signs, and with single spaces only.

    U+200C, U+200D and variation selectors stay where the script, or the emoji, looks different without them.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", text))  # first: some spaces stand among the pictures
    for useless in _USELESS:
        text = useless.sub("", text)
    return unicodedata.normalize("NFC", _SPACES.sub(" ", text).strip())


def fold_for_search(text: str) -> str:
    """The same thing as a search compares it: case, accents, forms of a letter, apostrophe and hyphen are one.

    Never empty for a text that is not: a phrase of accents alone must not be found everywhere.
    """
    text = normalize(text)
    if text.isascii():
        return text.lower().replace("`", "'")
    folded = unicodedata.normalize("NFKD", _SHAPING.sub("", text).translate(ALIKE)).casefold()
    letters = "".join(
        sign for sign in unicodedata.normalize("NFKD", folded) if unicodedata.combining(sign) < ACCENTS_FROM
    )
    return normalize(unicodedata.normalize("NFKC", letters.translate(ALIKE))) or text


def is_blank(text: str) -> bool:
    """Whether nothing of the text can be seen."""
    return _VISIBLE.search(text) is None


def strip_invisible(text: str) -> str:
    """The text without spaces and invisible signs at its ends; for passwords, whose inside is nobody's business."""
    return _ENDS.sub("", text)


def natural_sort_key(text: str) -> str:
    """What a text is sorted by, so that numbers in it count as numbers: A1, A2, A10. Case does not count."""
    return _DIGITS.sub(lambda run: f"{len(run[1]):03}{run[1]}", text.casefold())
