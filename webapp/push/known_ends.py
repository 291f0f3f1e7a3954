"""The sessions of which a process knows that they have ended: for pings, which ask no database."""

from __future__ import annotations

from webapp.models import SessionClaims

MOST_KNOWN = 20_000
"""So many are kept in mind. Then a process begins anew, and learns of those that are still used."""


class KnownEnds:
    """Ends that other processes told of, by person and session id, and those that the database has told of."""

    def __init__(self) -> None:
        self._told: set[tuple[int, str]] = set()
        self._found: set[SessionClaims] = set()

    def tell(self, user_id: int, session_id: str) -> None:
        """Somebody has signed out somewhere."""
        self._forget_all_of_too_many()
        self._told.add((user_id, session_id))

    def find(self, kept: SessionClaims) -> None:
        """The database does not know this session any more."""
        self._forget_all_of_too_many()
        self._found.add(kept)

    def __contains__(self, kept: SessionClaims) -> bool:
        return (kept.user_id, kept.session_id) in self._told or kept in self._found

    def _forget_all_of_too_many(self) -> None:
        if len(self._told) + len(self._found) >= MOST_KNOWN:
            self._told, self._found = set(), set()
