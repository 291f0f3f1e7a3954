"""Filters in words, for the page, the compose dialog and the log, and what the filters offer to tick."""

from datetime import date, datetime

from flask_babel import format_decimal, gettext, ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import AccessScope
from webapp.models import Test
from webapp.monitor.filters import CHOICES, LABELS, Choice, Filter
from webapp.monitor.times import ROLLING
from webapp.text.normalization import natural_sort_key
from webapp.web.templating import day_in_words

PERIODS_OFFERED = ("today", "week", "5m", "15m", "1h", "2h", "1d", "next-15m", "next-1h", "next-1d")


def filter_in_words(session: Session, filter: Filter) -> list[str]:
    """One short phrase for each name ("Room: Aula or Sal B202"), in canonical order."""
    titles = titles_of(session, filter)
    words = {
        name: [value_in_words(name, value, titles) for value in values] for name, values in filter.conditions.items()
    }
    if filter.by_words:
        words["q"] = [gettext("all words of “%(phrase)s”, which nobody has in one field", phrase=filter.q)]
    return [f"{LABELS[name]}: {_alternatives(phrases)}" for name, phrases in words.items()]


def titles_of(session: Session, filter: Filter) -> dict[str, str]:
    """Id → title of the tests that a filter names."""
    ids = [int(value) for value in filter.values("test")]
    if not ids:
        return {}
    tests = session.execute(select(Test.id, Test.title, Test.start_date).where(Test.id.in_(ids))).all()
    titles = [test.title for test in tests]
    return {str(test.id): test_in_words(test.title, test.start_date, titles) for test in tests}


def test_in_words(title: str, day: date, titles: list[str]) -> str:
    """A test's title, with its date where another of `titles` is the same."""
    return f"{title} ({day_in_words(day)})" if titles.count(title) > 1 else title


def candidate_in_words(name: str, number: str, seat: str = "") -> str:
    """A candidate as nobody else can be meant: with candidate ID, and seat if there is one."""
    if seat:
        return str(gettext("%(name)s (%(number)s, seat %(seat)s)", name=name, number=number, seat=seat))
    return str(gettext("%(name)s (%(number)s)", name=name, number=number))


def value_in_words(name: str, value: str, titles: dict[str, str]) -> str:
    """One value of a filter. `titles` are those of the tests in the filter."""
    if name == "q":
        return str(gettext("“%(phrase)s”", phrase=value))
    if name == "test":
        return titles.get(value) or str(gettext("test %(number)s", number=value))
    if name in CHOICES:
        return str(CHOICES[name].values.get(value) or value or CHOICES[name].blank)
    if name in ROLLING:
        return span_in_words(value)
    return period_in_words(value) if name.endswith("_within") else _minute_in_words(name, value)


def span_in_words(value: str) -> str:
    """ "15 minutes", "2 hours"."""
    count = int(value[:-1])
    number = format_decimal(count)
    words = {
        "m": ngettext("1 minute", "%(shown)s minutes", count, shown=number),
        "h": ngettext("1 hour", "%(shown)s hours", count, shown=number),
        "d": ngettext("1 day", "%(shown)s days", count, shown=number),
    }
    return str(words[value[-1]])


def period_in_words(value: str) -> str:
    """ "today", "this week", "the last 15 minutes", "the next 2 hours"."""
    if value in ("today", "week"):
        return str(gettext("today") if value == "today" else gettext("this week"))
    count = int(value.removeprefix("next-")[:-1])
    number = format_decimal(count)
    words = {
        ("m", False): ngettext("the last minute", "the last %(shown)s minutes", count, shown=number),
        ("h", False): ngettext("the last hour", "the last %(shown)s hours", count, shown=number),
        ("d", False): ngettext("the last day", "the last %(shown)s days", count, shown=number),
        ("m", True): ngettext("the next minute", "the next %(shown)s minutes", count, shown=number),
        ("h", True): ngettext("the next hour", "the next %(shown)s hours", count, shown=number),
        ("d", True): ngettext("the next day", "the next %(shown)s days", count, shown=number),
    }
    return str(words[value[-1], value.startswith("next-")])


def _minute_in_words(name: str, value: str) -> str:
    minute = datetime.fromisoformat(value)
    moment = f"{day_in_words(minute.date())} {minute:%H:%M}"
    is_after = name.endswith("_after")
    return str(gettext("after %(moment)s", moment=moment) if is_after else gettext("before %(moment)s", moment=moment))


def _alternatives(phrases: list[str]) -> str:
    if len(phrases) == 1:
        return phrases[0]
    return str(gettext("%(some)s or %(last)s", some=", ".join(phrases[:-1]), last=phrases[-1]))


def offers_of(session: Session, scope: AccessScope, choice: Choice) -> list[tuple[str, str]]:
    """(value, words) of what one filter offers: only what somebody within `scope` has."""
    if choice.values:
        return [(value, str(words)) for value, words in choice.values.items()]
    if choice.text_column is None:
        return _tests(session, scope)
    texts = session.scalars(select(choice.text_column).where(scope.condition()).distinct().order_by(choice.text_column))
    return [(text, text or str(choice.blank)) for text in sorted(texts, key=natural_sort_key)]


def _tests(session: Session, scope: AccessScope) -> list[tuple[str, str]]:
    """Those that are open now come first."""
    tests = session.execute(
        select(Test.id, Test.title, Test.start_date, Test.closed_at)
        .where(scope.test_condition())
        .order_by(Test.starts_at.desc(), Test.title)
    ).all()
    titles, offers = [test.title for test in tests], []
    for test in sorted(tests, key=lambda test: test.id not in scope.open_tests):
        words = test_in_words(test.title, test.start_date, titles)
        if test.closed_at is not None:
            words = gettext("%(test)s (closed)", test=words)
        elif test.id not in scope.open_tests:
            words = gettext("%(test)s (not open yet)", test=words)
        offers.append((str(test.id), words))
    return offers
