"""The WSGI entry: any server takes `wsgi:app` (or `wsgi:application`)."""

import sys

if sys.version_info < (3, 11):
    sys.exit("Examhall needs Python 3.11 or newer; this is " + sys.version.split()[0] + ".")

from webapp import create_app
from webapp.config import BadSetting

try:
    app = application = create_app()
except BadSetting as error:
    sys.exit(f"Examhall cannot start. {error}")
