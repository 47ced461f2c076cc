"""The tests' fake of GetStream in a process of its own, kind: every answer takes it 20 ms, and no more that it could help."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from msgspec import Struct
from msgspec.structs import replace

from bench import tools
from bench.contenders import LIMIT, TICKS, Contender, stop
from bench.tools import BenchError
from tests.providers.fake_provider import FakeServer

SECONDS = 0.02  # from afar it takes several times as long
CREATION = "getstream.get_or_create_call"


class Provider(Struct, frozen=True):
    """The fake, running."""

    fake: FakeServer
    pid: int

    @property
    def creations(self) -> int:
        """How often it was asked to get or create a call."""
        return self.fake.requests(CREATION)

    def cpu_seconds(self) -> float:
        """Processor time that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def carries(self, contender: Contender) -> Contender:
        """The same, with this one for its GetStream."""
        limit = {"GREENROOM_RATE_LIMIT_WEBHOOKS": LIMIT}
        return replace(contender, environ={**contender.environ, **self.fake.getstream_settings(), **limit})


@contextmanager
def kind_provider(log: Path) -> Iterator[Provider]:
    """On a free port, stopped afterwards whatever happened. Raises BenchError."""
    with log.open("wb") as lines:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.providers.fake"], cwd=tools.REPOSITORY, stdout=subprocess.PIPE, stderr=lines
        )
    with process:
        try:
            said = b"" if process.stdout is None else process.stdout.readline()
            if not said.startswith(b"Fake: "):
                raise BenchError(f"the fake of GetStream did not start: {log.read_text()}")
            url = said.split()[1].decode()
            with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
                fake = FakeServer(url, client)
                fake.misbehave("slow", provider="getstream", seconds=SECONDS)
                yield Provider(fake, process.pid)
        finally:
            stop(process)
