"""Several colleagues help the same candidate at the same moment: one of them makes the password that counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.accounts.test_helping import address, entries, form_in, password_in, stored
from tests.hall import Hall, signed_in
from webapp.accounts.passwords import matches
from webapp.models import Role

HELPERS = 4


def test_the_others_hear_that_it_was_changed(app: Flask, hall: Hall, session: Session) -> None:
    test = hall.test()
    ada = hall.candidacy(test)
    helpers = [signed_in(app, hall.contributor(test, role=Role.CHIEF_INVIGILATOR)) for _ in range(HELPERS)]
    forms = [form_in(helper.get(address(ada))) for helper in helpers]
    with ThreadPoolExecutor(HELPERS) as threads:
        answers = list(threads.map(lambda helper, form: helper.post(address(ada), data=form), helpers, forms))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * (HELPERS - 1)]
    [made] = [password_in(answer) for answer in answers if answer.status_code == 200]
    assert matches(stored(session, ada), made)


@pytest.mark.one_database
def test_two_forms_that_were_open_at_once_make_one_password(app: Flask, hall: Hall, session: Session) -> None:
    """The second was not pressed again, so it is not told the first one's password."""
    test = hall.test()
    ada, chief = hall.candidacy(test), signed_in(app, hall.contributor(test, role=Role.CHIEF_INVIGILATOR))
    first, second = (form_in(chief.get(address(ada))) for _ in range(2))
    password = password_in(chief.post(address(ada), data=first))
    answer = chief.post(address(ada), data=second)
    assert answer.status_code == 409
    assert password not in answer.text
    assert matches(stored(session, ada), password)
    assert len(entries(session)) == 1
