"""The log in words: labels of actions, and an entry in one line."""

from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext

from webapp.web.templating import day_in_words

ACTIONS = {
    "message.sent": lazy_gettext("Message sent"),
    "test.closed": lazy_gettext("Test closed"),
    "test.reopened": lazy_gettext("Test reopened"),
    "log.restored": lazy_gettext("Restored from a backup"),
    "sign_in.failed": lazy_gettext("Sign-in failed"),
    "sign_in.locked": lazy_gettext("Sign-in locked"),
    "account.password_set": lazy_gettext("New password"),
    "account.unlocked": lazy_gettext("Sign-in unlocked"),
    "account.deactivated": lazy_gettext("Account deactivated"),
    "account.reactivated": lazy_gettext("Account reactivated"),
    "account.role_changed": lazy_gettext("Role changed"),
}


def action_label(action: str) -> str:
    """The label of an action; one of a later version is shown as it is stored."""
    return str(ACTIONS.get(action, action))


def summary(action: str, detail: dict[str, Any]) -> str:
    """What an entry says in one line, apart from who did it and whom it concerned."""
    if action == "message.sent":
        return str(detail.get("subject", ""))
    if action in ("test.closed", "test.reopened"):
        return f"{detail.get('test', '')} ({day_in_words(date.fromisoformat(detail['date']))})"
    if not action.startswith("sign_in."):
        return ", ".join(f"{name}: {value}" for name, value in detail.items())
    address = detail.get("address", "")
    if "username" not in detail:
        return str(gettext("unknown username, from %(address)s", address=address))
    return str(gettext("username %(username)s from %(address)s", username=detail["username"], address=address))
