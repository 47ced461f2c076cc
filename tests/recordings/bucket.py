"""A bucket of a real S3-compatible server on this machine, and a door before it that can be made to misbehave."""

import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Literal

import httpx

NAME = "recordings"
START_SECONDS = 60.0
ATTEMPTS = 5

Mood = Literal["well", "failing", "silent", "gone"]


class Bucket:
    """The bucket, as its door lets one see it. `silent`: nothing is answered until it is well again."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.door = 0
        self.mood: Mood = "well"
        self.only = ""  # requests whose path has this in it, and no others, are met in that mood
        self.well = threading.Event()
        self.met = threading.Event()

    def behave(self, mood: Mood = "well", *, only: str = "") -> None:
        """Be like this from now on."""
        self.met.clear()
        self.mood, self.only = mood, only
        if mood == "well":
            self.well.set()
        else:
            self.well.clear()

    def names(self) -> list[str]:
        """What is in it."""
        listed = httpx.get(f"http://127.0.0.1:{self.port}/{NAME}", params={"list-type": "2", "max-keys": "1000"}, timeout=30)
        return [one.partition("</Key>")[0] for one in listed.text.split("<Key>")[1:]]

    def put(self, name: str, octets: bytes) -> None:
        """Put it there, past whoever keeps recordings in it."""
        httpx.put(f"http://127.0.0.1:{self.port}/{NAME}/{name}", content=octets, timeout=30).raise_for_status()

    @property
    def settings(self) -> dict[str, str]:
        """For a server that keeps its recordings in it."""
        return {
            "GREENROOM_RECORDING_STORE": f"s3://{NAME}/of/greenroom",
            "GREENROOM_RECORDING_S3_ENDPOINT": f"http://127.0.0.1:{self.door}",
            "GREENROOM_RECORDING_S3_REGION": "us-east-1",
            "GREENROOM_RECORDING_S3_ACCESS_KEY": "greenroom",
            "GREENROOM_RECORDING_S3_SECRET_KEY": "a secret of the tests",
        }


@contextmanager
def running_bucket() -> Iterator[Bucket]:
    """The server, the bucket in it, and the door."""
    process, port = _started()
    bucket = Bucket(port)
    door = ThreadingHTTPServer(("127.0.0.1", 0), type("Door", (_Door,), {"bucket": bucket}))
    door.daemon_threads = True
    bucket.door = door.server_address[1]
    threading.Thread(target=door.serve_forever, daemon=True).start()
    try:
        yield bucket
    finally:
        bucket.behave()
        door.shutdown()
        door.server_close()
        process.kill()
        process.wait()


def _started() -> "tuple[subprocess.Popen[bytes], int]":
    """It cannot say which port it has taken, so it is given one that was free just now; another, where somebody was faster."""
    for _ in range(ATTEMPTS):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if _makes(process, port):
            return process, port
        process.kill()
        process.wait()
    raise AssertionError(f"no server of a bucket has started in {ATTEMPTS} attempts")


def _makes(process: "subprocess.Popen[bytes]", port: int) -> bool:
    """Whether the bucket is made; not by a process that has ended, even where another answers on its port."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            is_made = httpx.put(f"http://127.0.0.1:{port}/{NAME}", timeout=30).is_success
            return is_made and process.poll() is None
        time.sleep(0.1)
    return False


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bucket: ClassVar[Bucket]

    def log_message(self, *_: object) -> None:
        return

    def handle_one_request(self) -> None:
        for method in ("GET", "PUT", "POST", "DELETE", "HEAD"):
            setattr(self, f"do_{method}", self._meet)
        super().handle_one_request()

    def _meet(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.bucket.mood != "well" and self.bucket.only in self.path:
            self.bucket.met.set()
            if self.bucket.mood == "failing":
                self.send_error(500)
                return
            if self.bucket.mood == "gone":
                self.close_connection = True
                return
            self.bucket.well.wait()
        self._pass_on(body)

    def _pass_on(self, body: bytes) -> None:
        there = http.client.HTTPConnection("127.0.0.1", self.bucket.port, timeout=60)
        try:
            there.request(self.command, self.path, body or None, dict(self.headers.items()))
            answer = there.getresponse()
            octets = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"content-length", "transfer-encoding", "connection", "date", "server"}:
                    self.send_header(name, value)
            length = answer.getheader("content-length") if self.command == "HEAD" else str(len(octets))
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            self.wfile.write(octets)
        except OSError:
            self.close_connection = True
        finally:
            there.close()
