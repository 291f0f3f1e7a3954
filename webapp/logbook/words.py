"""The log in words: labels of actions and roles, summaries of entries and filters."""

from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext

from webapp.web.times import day_in_words

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
FIELDS = {
    "from": lazy_gettext("From"),
    "to": lazy_gettext("To"),
    "person": lazy_gettext("Person"),
    "action": lazy_gettext("Action"),
    "text": lazy_gettext("Text"),
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


def filter_in_words(params: dict[str, str]) -> list[str]:
    """One short phrase per condition of a filter ("Person: Ada")."""
    values = {**params, "action": action_label(params.get("action", ""))}
    for name in {"from", "to"} & params.keys():
        values[name] = params[name].replace("T", " ")
    return [f"{FIELDS[name]}: {values[name]}" for name in params]
