"""Nchan, nginx's module for streams, in memory with one worker: nothing is stored but each channel's last message.

How to publish to 1,500 channels was measured (24 November 2026, Nchan 1.3.6, two cores, median until all have it; the
raw floor took 28 ms): 44 ms with one message for as many channels at once as Nchan allows, 66 ms with a request per
channel, all of them on one connection without waiting for answers, as much on four connections, and 110 ms on sixteen.
The first is what is done here. Its six requests on a connection each, smaller ones, or no message kept at all were not
faster than one connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import Template

import httpx

from tests.bench.peers import Peer, ask, missing, post, program, subscription

MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
CONFIGURATION = Path(__file__).with_name("nchan.conf")
CHANNELS_OF_A_REQUEST = 255
"""Nchan takes no more at once."""


class Nchan(Peer):
    """Nchan."""

    name = "Nchan"

    def __init__(self) -> None:
        super().__init__()
        self._nginx = program("nginx", "nginx")
        if not MODULE.exists():
            raise missing("Nchan", "libnginx-mod-nchan")

    def start(self, folder: Path) -> None:
        """nginx in the foreground."""
        values = {"folder": folder, "port": self.port, "module": MODULE}
        configuration = folder / "nginx.conf"
        configuration.write_text(Template(CONFIGURATION.read_text()).substitute(values))
        log = folder / "output.log"
        self.run([self._nginx, "-c", str(configuration), "-e", str(log)], folder, self._answers)
        self.version = self._get("/version")

    def _answers(self) -> bool:
        try:
            return bool(self._get("/version"))
        except httpx.TransportError:
            return False

    def _get(self, address: str) -> str:
        return httpx.get(f"http://127.0.0.1:{self.port}{address}").raise_for_status().text

    def request(self, recipient: int) -> bytes:
        """The stream of a channel that is named by the recipient's number."""
        return subscription(f"/stream?channel={recipient}")

    def streams(self) -> int:
        """The subscribers that `nchan_stub_status` counts."""
        lines = dict(line.split(": ", 1) for line in self._get("/status").splitlines())
        return int(lines["subscribers"])

    async def publish(self, recipients: Sequence[int], payload: bytes) -> None:
        """As few requests as Nchan allows, on one connection."""
        places = range(0, len(recipients), CHANNELS_OF_A_REQUEST)
        parts = [recipients[place : place + CHANNELS_OF_A_REQUEST] for place in places]
        addresses = ["/send?channels=" + ",".join(map(str, part)) for part in parts]
        await ask(self.port, [post(address, "text/plain", payload) for address in addresses])
