"""The real nginx with deploy/nginx.conf, in a folder of its own: names, paths and ports are replaced, nothing else."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.server import Listener, Person, free_port
from webapp.config import ROOT

SHIPPED = ROOT / "deploy" / "nginx.conf"
NAME = "localhost"


def program() -> str:
    """nginx; skips the test where it is not installed, which with `CI=true` is a failure."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip("no nginx found; on Debian or Ubuntu: apt install nginx")
    return found


class Nginx:
    """nginx in front of these servers (`host:port` or `unix:path`), with a certificate of its own."""

    def __init__(self, folder: Path, upstream: Sequence[str]) -> None:
        self.program = program()
        self.folder = folder
        self.port, self.plain_port = free_port(), free_port()
        self.url = f"https://{NAME}:{self.port}"
        self.certificate = self._make_certificate()
        self.configuration = folder / "nginx.conf"
        self.configuration.write_text(self._adapt(SHIPPED.read_text(), upstream))

    @property
    def trust(self) -> ssl.SSLContext:
        """What a browser needs to trust its certificate."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def check(self) -> str:
        """What `nginx -t` says of the configuration."""
        command = [self.program, "-t", "-p", self.folder, "-c", self.configuration]
        return subprocess.run(command, capture_output=True, text=True, check=False).stderr

    def _make_certificate(self) -> Path:
        certificate = self.folder / "fullchain.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}",
             "-keyout", self.folder / "privkey.pem", "-out", certificate],
            check=True, capture_output=True,
        )  # fmt: skip
        return certificate

    def _adapt(self, text: str, upstream: Sequence[str]) -> str:
        """The shipped file for this machine: each piece that is replaced has to be there."""
        here = self.folder / "here.conf"
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = "".join(f"{kind}_temp_path {self.folder}/{kind};\n" for kind in kinds)
        here.write_text(f"include /etc/nginx/mime.types;\n{places}")
        user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
        for written, here_instead in (
            ("user www-data;", user),
            ("/run/nginx.pid", f"{self.folder}/nginx.pid"),
            ("/var/log/nginx/", f"{self.folder}/"),
            ("include /etc/nginx/mime.types;", f"include {here};"),
            ("/etc/ssl/examhall/", f"{self.folder}/"),
            ("/srv/examhall/", f"{ROOT}/"),
            ("server unix:/run/examhall.sock;", "\n".join(f"server {address};" for address in upstream)),
            ("exam.example.org", NAME),
            ("listen 443 ", f"listen 127.0.0.1:{self.port} "),
            ("listen 80;", f"listen 127.0.0.1:{self.plain_port};"),
            ("listen [::]:443 ", f"listen 127.0.0.1:{free_port()} "),
            ("listen [::]:80;", f"listen 127.0.0.1:{free_port()};"),
        ):
            assert written in text, written
            text = text.replace(written, here_instead)
        assert not re.search(r"/(?:srv|run)/", text)
        return text

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve."""
        command = [self.program, "-p", self.folder, "-c", self.configuration, "-g", "daemon off;"]
        with (self.folder / "output.log").open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + 30
            while True:
                with suppress(OSError):
                    socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                    break
                assert process.poll() is None, (self.folder / "output.log").read_text()
                assert time.monotonic() < deadline, "nginx does not start"
                time.sleep(0.05)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)

    def person(self, username: str) -> Person:
        """Somebody whose browser speaks HTTP/2 with this nginx."""
        return Person(self.url, username, verify=self.trust, http2=True)

    def listen(self, person: Person) -> Http2Listener:
        """The stream of that person, on a connection of its own."""
        return Http2Listener(person, self.trust)


class Http2Listener(Listener):
    """A person's open stream over TLS and HTTP/2."""

    def __init__(self, person: Person, trust: ssl.SSLContext) -> None:
        self._trust = trust
        super().__init__(person)

    def _request(self, person: Person) -> None:
        self._connection = httpx.Client(
            base_url=person.http.base_url, cookies=dict(person.http.cookies), verify=self._trust, http2=True, timeout=60
        )
        answer = self._connection.send(self._connection.build_request("GET", "/stream"), stream=True)
        self.version, self._answer = answer.http_version, answer
        self._socket = answer.extensions["network_stream"].get_extra_info("socket")

    def _lines(self) -> Iterator[str]:
        self.status = self._answer.status_code
        yield from self._answer.iter_lines()
