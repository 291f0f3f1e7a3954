"""What is said about TLS, and which headers of a client a server believes."""

from __future__ import annotations

import re
import runpy
import ssl

import pytest
from flask.testing import FlaskClient

from tests.databases import SECRET_KEY
from tests.server import ROOT


@pytest.mark.one_database
@pytest.mark.parametrize("address", ["/login", "/static/css/base.css", "/nowhere", "/monitor"])
@pytest.mark.parametrize(("scheme", "kept"), [("https", True), ("http", False)])
def test_who_came_by_tls_is_told_to_stay_with_it(client: FlaskClient, address: str, scheme: str, kept: bool) -> None:
    answer = client.get(address, base_url=f"{scheme}://localhost")
    assert ("Strict-Transport-Security" in answer.headers) is kept
    answer.close()


def test_gunicorn_takes_no_part_of_the_address_from_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """SCRIPT_NAME in a client's header would move every address on the pages."""
    monkeypatch.setenv("EXAMHALL_SECRET_KEY", SECRET_KEY)
    assert runpy.run_path(str(ROOT / "gunicorn.conf.py"))["forwarder_headers"] == ""


def test_nginx_offers_forward_secrecy_and_authenticated_encryption_only() -> None:
    (ciphers,) = re.findall(r"ssl_ciphers (\S+);", (ROOT / "deploy/nginx.conf").read_text())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(ciphers)
    offered = [cipher for cipher in context.get_ciphers() if cipher["protocol"] == "TLSv1.2"]
    assert len(offered) >= 4
    assert all(cipher["kea"] == "kx-ecdhe" and cipher["aead"] for cipher in offered)
