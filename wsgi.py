"""The WSGI entry: any server takes `wsgi:app` (or `wsgi:application`)."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 an older Python must not get as far as a syntax error
    sys.exit("Examhall needs Python 3.11 or newer; this is " + sys.version.split()[0] + ".")

from webapp import create_app
from webapp.config import BadSetting
from webapp.db.startup_check import connection_failure
from webapp.logging import capture_standard_logging

capture_standard_logging()
try:
    app = application = create_app()
except BadSetting as error:
    sys.stderr.write(f"Examhall cannot start. {error}\n")
    sys.exit(4)  # what gunicorn takes as "does not load, give up"; after any other code it would try again for ever

# gunicorn has asked before its workers began: one that is replaced while the database is away serves 503 until it is
# back. And whoever only asks for help needs no database.
if "gunicorn" not in sys.modules and "--help" not in sys.argv:
    problem = connection_failure(app.config["SQLALCHEMY_DATABASE_URI"])
    if problem:
        sys.stderr.write(problem + "\n")
        sys.exit(4)
