"""The fake providers in a process of their own, and whoever drives them from a test.

with running_fake(webhooks=server.url) as fake:
    environment = {**fake.getstream_settings(), ...}
    connection = fake.getstream.join(call, "user-1")
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import httpx

from tests.providers.fake.credentials import GETSTREAM_KEY, GETSTREAM_SECRETS, LIVEKIT_KEYS, LIVEKIT_SECRETS
from tests.server import AUTHORITIES

STOP_SECONDS = 10.0
ProviderName = Literal["getstream", "livekit"]


class People:
    """The people in one provider's calls."""

    def __init__(self, client: httpx.Client, provider: ProviderName) -> None:
        self._client = client
        self._provider = provider

    def join(self, call: str, user: str, *, name: str = "Paula Participant", kind: str = "STANDARD") -> str:
        """Somebody comes in; answers the connection."""
        return str(self._do("join", call=call, user=user, name=name, kind=kind)["connection"])

    def leave(self, connection: str) -> None:
        """Somebody goes."""
        self._do("leave", connection=connection)

    def end_span(self, call: str) -> None:
        """Everybody goes, and the session or room is over."""
        self._do("end_span", call=call)

    def end(self, call: str) -> None:
        """The call is over."""
        self._do("end", call=call)

    def record(self, call: str) -> str:
        """A recording begins; answers its id."""
        return str(self._do("record", call=call)["recording"])

    def finish(self, recording: str, *, well: bool = True) -> None:
        """The recording can be had, or has failed."""
        self._do("finish", recording=recording, well=well)

    def config(self, **settings: Any) -> None:
        """`ends_when_empty`, `tells_at_most`, `signs_with_older`."""
        self._do("config", **settings)

    def calls(self) -> dict[str, Any]:
        """Every call by its id."""
        return {call["id"]: call for call in _answer(self._client.get(f"/_fake/{self._provider}/calls"))}

    def _do(self, act: str, **said: Any) -> Any:
        return _answer(self._client.post(f"/_fake/{self._provider}/{act}", json=said))


class FakeServer:
    """Both providers, running."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self.url = url
        self.getstream = People(client, "getstream")
        self.livekit = People(client, "livekit")
        self._client = client

    def getstream_settings(self) -> dict[str, str]:
        """The environment of a Greenroom that uses this GetStream."""
        return {
            "GREENROOM_VIDEO_PROVIDER": "getstream",
            "GREENROOM_GETSTREAM_API_KEY": GETSTREAM_KEY,
            "GREENROOM_GETSTREAM_API_SECRET": ",".join(GETSTREAM_SECRETS),
            "GREENROOM_GETSTREAM_BASE_URL": self.url,
        }

    def livekit_settings(self) -> dict[str, str]:
        """The environment of a Greenroom that uses this LiveKit."""
        return {
            "GREENROOM_VIDEO_PROVIDER": "livekit",
            "GREENROOM_LIVEKIT_URL": self.url.replace("http", "ws", 1),
            "GREENROOM_LIVEKIT_API_KEY": ",".join(LIVEKIT_KEYS),
            "GREENROOM_LIVEKIT_API_SECRET": ",".join(LIVEKIT_SECRETS),
        }

    def requests(self, operation: str) -> int:
        """How often it was asked: `getstream.get_or_create_call`, `livekit.CreateRoom`."""
        return int(_answer(self._client.get("/_fake/requests")).get(operation, 0))

    def misbehave(self, kind: Literal["slow", "fail", "limit", "cut", "garbage"], **how: Any) -> None:
        """From now on: `provider`, `operation`, `times`, `seconds`, `status`, `retry_after`."""
        _answer(self._client.post("/_fake/misbehave", json={"kind": kind, **how}))

    def behave(self) -> None:
        """Nothing goes wrong any more."""
        _answer(self._client.post("/_fake/behave"))

    def send_webhooks_to(self, **urls: str) -> None:
        """Each provider's to an URL of its own."""
        _answer(self._client.post("/_fake/webhooks/urls", json=urls))

    def rule_webhooks(self, **rules: Any) -> None:
        """`lose`, `duplicate` (chances), `delay` (most seconds), `hold`, `gzip`, `seed`."""
        _answer(self._client.post("/_fake/webhooks/rules", json=rules))

    def flush(self, order: Literal["given", "reverse", "random"] | list[int] = "given") -> int:
        """Send what is held; answers how many."""
        return int(_answer(self._client.post("/_fake/webhooks/flush", json={"order": order}))["sent"])

    def settle(self) -> None:
        """Wait until no webhook is on its way."""
        _answer(self._client.post("/_fake/webhooks/settle"))

    def webhooks(self) -> list[dict[str, Any]]:
        """Every webhook, and how it was answered."""
        return list(_answer(self._client.get("/_fake/webhooks")))


@contextmanager
def running_fake(*, webhooks: str | None = None, port: int = 0) -> Iterator[FakeServer]:
    """The fake on a free port, stopped afterwards whatever happened."""
    command = [sys.executable, "-m", "tests.providers.fake", "--port", str(port)]
    command += [] if webhooks is None else ["--webhooks", webhooks]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = _url_of(process)
            with httpx.Client(verify=AUTHORITIES, base_url=url, timeout=30, trust_env=False) as client:
                yield FakeServer(url, client)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _url_of(process: "subprocess.Popen[str]") -> str:
    """The socket listens already when it is said: a request waits there until the server takes it."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Fake: "), "the fake did not start"
    return line.split()[1]


def _answer(response: httpx.Response) -> Any:
    assert response.is_success, response.text
    return response.json()
