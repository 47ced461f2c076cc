"""A NATS in operator mode, which lets in whoever has credentials, and a password that a URL has to spell."""

import base64
import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

import nkeys
import pytest

from greenroom.events.sinks import SinkError
from tests.events.nats_server import running_nats
from tests.events.telling import jetstream

Claims = Mapping[str, object]
UNLIMITED = {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}
HEAD = b'{"typ":"JWT","alg":"ed25519-nkey"}'
STREAMS = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}


def _keys(prefix: int) -> nkeys.KeyPair:
    return nkeys.from_seed(nkeys.encode_seed(os.urandom(32), prefix))


def _name(keys: nkeys.KeyPair) -> str:
    return str(keys.public_key.decode())


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _signed(signer: nkeys.KeyPair, subject: nkeys.KeyPair, what: Claims) -> str:
    """NATS's own kind of JWT."""
    claims = {"iat": int(time.time()), "iss": _name(signer), "sub": _name(subject), "nats": {"version": 2, **what}}
    claims["jti"] = base64.b32encode(hashlib.sha256(json.dumps(claims).encode()).digest()).decode().rstrip("=")
    head = f"{_text(HEAD)}.{_text(json.dumps(claims).encode())}"
    return f"{head}.{_text(signer.sign(head.encode()))}"


@pytest.fixture
def operated(tmp_path: Path) -> tuple[Path, Path]:
    """The configuration of a server, and the credentials of a user of it."""
    operator = _keys(nkeys.PREFIX_BYTE_OPERATOR)
    system, account = _keys(nkeys.PREFIX_BYTE_ACCOUNT), _keys(nkeys.PREFIX_BYTE_ACCOUNT)
    user = _keys(nkeys.PREFIX_BYTE_USER)
    accounts = {
        _name(account): _signed(operator, account, {"type": "account", "limits": {**UNLIMITED, **STREAMS}}),
        _name(system): _signed(operator, system, {"type": "account", "limits": UNLIMITED}),
    }
    configuration, credentials = tmp_path / "operated.conf", tmp_path / "user.creds"
    preloaded = ", ".join(f"{name}: {said}" for name, said in accounts.items())
    configuration.write_text(
        f"operator: {_signed(operator, operator, {'type': 'operator'})}\nresolver: MEMORY\n"
        f"system_account: {_name(system)}\nresolver_preload: {{ {preloaded} }}\n"
    )
    said = _signed(account, user, {"type": "user", "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1})
    credentials.write_text(
        f"-----BEGIN NATS USER JWT-----\n{said}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed.decode()}\n------END USER NKEY SEED------\n"
    )
    return configuration, credentials


async def test_who_has_credentials_is_let_in(operated: tuple[Path, Path]) -> None:
    configuration, credentials = operated
    with running_nats("-c", str(configuration)) as server:
        async with jetstream(server.url, credentials=credentials).connected():
            pass
        with pytest.raises(SinkError, match="cannot be reached"):
            async with jetstream(server.url).connected():
                pass


async def test_a_password_may_hold_what_a_url_must_spell() -> None:
    with running_nats("--user", "green@room", "--pass", "p@ss/w:rd%") as server:
        spelt = server.url.replace("nats://", "nats://green%40room:p%40ss%2Fw%3Ard%25@")
        async with jetstream(spelt).connected():
            pass
        with pytest.raises(SinkError, match="Authorization Violation") as refused:
            async with jetstream(server.url.replace("nats://", "nats://green%40room:other@")).connected():
                pass
        assert "green" not in str(refused.value)
