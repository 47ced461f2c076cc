"""A stand-in for GetStream, in a process of its own: it speaks its API, plays the people in a call, and sends the webhooks.

The program brings none: the repository's is tests/providers/fake, and whoever starts the demonstration names its command.
"""

import http.client
import json
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from greenroom.commands.errors import CommandError
from greenroom.settings import variable

SAYS = "Fake: "  # and then where it listens
KEY, SECRET = "fake-getstream-key", "fake-getstream-secret-which-signs"  # what it takes, and no others
SECONDS, STOP_SECONDS = 10.0, 10.0


class StandIn(Struct, frozen=True):
    """The stand-in, running."""

    url: str

    def settings(self) -> dict[str, str]:
        """The environment of a server whose calls it carries, and nobody else."""
        chosen = {
            "video_provider": "getstream",
            "getstream_api_key": KEY,
            "getstream_api_secret": SECRET,
            "getstream_base_url": self.url,
            "livekit_url": "",
            "livekit_api_key": "",
            "livekit_api_secret": "",
            "recording": "on",
            "background": "on",
        }
        return {variable(name): value for name, value in chosen.items()}

    def sends_webhooks_to(self, address: str) -> None:
        """From now on to this Greenroom."""
        self._do("POST", "/_fake/webhooks/urls", {"getstream": f"{address}/webhooks/stream"})

    def comes(self, call: str, user: str) -> str:
        """Somebody comes into the call, as a browser would with the token; answers the connection."""
        return str(self._do("POST", "/_fake/getstream/join", {"call": call, "user": user})["connection"])

    def leaves(self, connection: str) -> None:
        """Somebody goes."""
        self._do("POST", "/_fake/getstream/leave", {"connection": connection})

    def finishes_recordings_of(self, call: str) -> None:
        """What was recorded can be had."""
        calls = self._do("GET", "/_fake/getstream/calls", None)
        for recording in next(one for one in calls if one["id"] == call)["recordings"]:
            self._do("POST", "/_fake/getstream/finish", {"recording": recording["id"]})

    def _do(self, method: str, path: str, said: dict[str, str] | None) -> Any:
        at = urlsplit(self.url)
        connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=SECONDS)
        try:
            connection.request(method, path, body=None if said is None else json.dumps(said))
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise CommandError(f"The stand-in answered {path}: {answer}")
        return answer


@contextmanager
def standing_in(command: str, *, log: Path) -> Iterator[StandIn]:
    """Started, and stopped afterwards whatever happened. Raises CommandError."""
    with log.open("ab") as lines:
        try:
            # In a session of its own: Ctrl-C is ours, and it is stopped last.
            process = subprocess.Popen(
                shlex.split(command), stdout=subprocess.PIPE, stderr=lines, text=True, start_new_session=True
            )
        except (OSError, ValueError) as error:
            raise CommandError(f"--stand-in: cannot start {command}: {error}") from error
    with process:
        try:
            line = "" if process.stdout is None else process.stdout.readline()
            if not line.startswith(SAYS):
                raise CommandError(f"--stand-in: {command} did not start; {log} says why.")
            yield StandIn(line.removeprefix(SAYS).strip())
        finally:
            _stop(process)


def _stop(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
