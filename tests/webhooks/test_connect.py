"""The check that counts: at the moment of connecting, of the very address that is connected to."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from greenroom.webhooks import dialing
from greenroom.webhooks.addresses import Reach
from greenroom.webhooks.attempts import READ_OCTETS, Line
from greenroom.webhooks.dialing import CheckedNetwork, Resolve, Resolver, SippingStream, UnresolvedError
from greenroom.webhooks.targets import Target
from tests.faults.waiting import eventually
from tests.webhooks.receiver import Receiver
from tests.webhooks.stage import LOOPBACK, Stage

TRUST = ssl.create_default_context()


def names(*answers: Sequence[str]) -> Resolve:
    """A resolver that answers these in turn, and the last one for ever."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:  # noqa: ARG001  # whatever is asked
        return left.pop(0) if len(left) > 1 else left[0]

    return resolve


def line(receiver: Receiver, resolve: Resolve, reach: Reach, *, host: str = "app.example.com") -> Line:
    """A way to the receiver by a name that seems to be public."""
    return Line(Target("http", host, receiver.port, "/hook"), CheckedNetwork(resolve, reach), TRUST)


async def test_a_name_that_leads_to_the_loopback_is_refused(receiver: Receiver) -> None:
    attempt = await line(receiver, names(["127.0.0.1"]), Reach()).post(b"{}", {})
    assert (attempt.error, attempt.status) == ("address_refused", None)
    assert receiver.connections == 0


async def test_where_it_is_allowed_it_is_reached(receiver: Receiver) -> None:
    """The negative control: the rule alone kept the request from arriving."""
    attempt = await line(receiver, names(["127.0.0.1"]), LOOPBACK).post(b"{}", {})
    assert (attempt.error, attempt.status) == (None, 204)
    assert receiver.received[0].headers["host"] == f"app.example.com:{receiver.port}"


async def test_of_several_addresses_one_that_is_closed_refuses_all(receiver: Receiver) -> None:
    attempt = await line(receiver, names(["8.8.8.8", "127.0.0.1"]), Reach()).post(b"{}", {})
    assert attempt.error == "address_refused"


async def test_a_name_that_is_rebound_is_refused_when_it_is_used(receiver: Receiver) -> None:
    rebinding = names(["8.8.8.8"], ["127.0.0.1"])
    assert await rebinding("app.example.com", 443) == ["8.8.8.8"]  # who looked earlier saw a public one
    attempt = await line(receiver, rebinding, Reach()).post(b"{}", {})
    assert attempt.error == "address_refused"
    assert receiver.connections == 0


async def test_a_name_is_resolved_once_and_what_was_judged_is_connected_to(receiver: Receiver) -> None:
    """A resolver that answers an allowed address first and another later has no second chance."""
    attempt = await line(receiver, names(["127.0.0.1"], ["127.0.0.2"]), LOOPBACK).post(b"{}", {})
    assert attempt.status == 204


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "localhost", "127.0.0.1", "::1", "::ffff:127.0.0.1"])
async def test_whatever_the_system_resolves_is_judged_by_its_address(receiver: Receiver, host: str) -> None:
    resolver = Resolver(threads=1, share=1)
    attempt = await line(receiver, resolver.of("acme"), Reach(), host=host).post(b"{}", {})
    resolver.close()
    assert attempt.error == "address_refused"
    assert receiver.connections == 0


async def test_http_is_refused_when_its_host_is_allowed_no_more(stage: Stage, receiver: Receiver) -> None:
    """Though its address is: by http the network reads along."""
    resolve = names(["127.0.0.1"])
    named = replace(stage, reach=Reach.of(["hooks.example.com"]))
    endpoint = await named.endpoint(f"http://hooks.example.com:{receiver.port}/")
    await stage.tell()
    async with stage.sending(resolve=resolve, reach=Reach.of(["127.0.0.1"])):

        async def was_refused() -> bool:
            return [it.last_error for it in await stage.deliveries(endpoint)] == ["address_refused"]

        await eventually(was_refused, "it is refused")
    assert receiver.connections == 0
    await stage.owner.execute("update webhook_deliveries set next_at = now()")
    await stage.owner.execute("update webhook_endpoints set due_at = now()")
    async with stage.sending(resolve=resolve, reach=named.reach):  # the negative control: the rule alone had refused it
        await stage.delivered(endpoint)


async def test_a_brand_whose_names_are_never_answered_holds_up_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def look_up(host: str, port: int) -> list[str]:  # noqa: ARG001  # dialing's signature
        if host == "mute.example.com":
            answered.wait(30)
        return ["192.0.2.1"]

    monkeypatch.setattr(dialing, "_looked_up", look_up)
    resolver = Resolver(threads=4, share=2)
    mute = [asyncio.ensure_future(resolver.of("acme")("mute.example.com", 443)) for _ in range(8)]
    try:
        async with asyncio.timeout(10):
            assert await resolver.of("elsewhere")("app.example.com", 443) == ["192.0.2.1"]
        for one in mute[:4]:
            one.cancel()  # who asked has gone; their threads are held all the same
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await resolver.of("acme")("app.example.com", 443)
        async with asyncio.timeout(10):
            assert await resolver.of("elsewhere")("app.example.com", 443) == ["192.0.2.1"]
    finally:
        answered.set()
    assert [isinstance(one, list) for one in await asyncio.gather(*mute, return_exceptions=True)] == [False] * 4 + [True] * 4
    assert await resolver.of("acme")("app.example.com", 443) == ["192.0.2.1"]
    resolver.close()


async def test_of_an_endless_answer_16_kib_are_read(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    read = 0
    as_made = SippingStream.read

    async def counted(stream: SippingStream, most: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  # httpcore's
        nonlocal read
        part = await as_made(stream, most, timeout)
        read += len(part)
        return part

    monkeypatch.setattr(SippingStream, "read", counted)
    receiver.status, receiver.body = 200, b"x" * 4 * 1024 * 1024
    assert (await line(receiver, names(["127.0.0.1"]), LOOPBACK).post(b"{}", {})).status == 200
    head = 100
    assert READ_OCTETS / 2 < read <= READ_OCTETS + head


async def test_a_name_that_leads_nowhere_is_a_failure(receiver: Receiver) -> None:
    async def nowhere(host: str, port: int) -> Sequence[str]:  # noqa: ARG001  # whatever is asked
        raise UnresolvedError

    assert (await line(receiver, nowhere, LOOPBACK).post(b"{}", {})).error == "host_not_found"
    assert (await line(receiver, names([]), LOOPBACK).post(b"{}", {})).error == "host_not_found"


async def test_of_several_addresses_the_next_is_tried(receiver: Receiver) -> None:
    allowed = Reach.of(["127.0.0.0/8", "::1"])
    attempt = await line(receiver, names(["::1", "127.0.0.1"]), allowed).post(b"{}", {})
    assert attempt.status == 204


async def test_nobody_who_listens_is_a_failure(receiver: Receiver) -> None:
    attempt = await line(receiver, names(["127.0.0.2"]), Reach.of(["127.0.0.0/8"])).post(b"{}", {})
    assert attempt.error == "connection_refused"


@asynccontextmanager
async def with_tls(directory: Path, host: str) -> AsyncIterator[tuple[int, ssl.SSLContext]]:
    """A server with a certificate for the host; its port, and what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (directory / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (directory / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(directory / "cert.pem", directory / "key.pem")
    seen = Receiver()
    server = await asyncio.start_server(seen.serve, "127.0.0.1", 0, ssl=serving)
    try:
        yield server.sockets[0].getsockname()[1], ssl.create_default_context(cafile=str(directory / "cert.pem"))
    finally:
        server.close()


async def test_the_certificate_is_that_of_the_name_and_not_of_the_address(tmp_path: Path) -> None:
    async with with_tls(tmp_path, "app.example.com") as (port, trust):
        network = CheckedNetwork(names(["127.0.0.1"]), LOOPBACK)
        right = Line(Target("https", "app.example.com", port, "/"), network, trust)
        wrong = Line(Target("https", "other.example.com", port, "/"), network, trust)
        unknown = Line(Target("https", "app.example.com", port, "/"), network, TRUST)
        assert (await right.post(b"{}", {})).status == 204
        assert (await wrong.post(b"{}", {})).error == "tls"
        assert (await unknown.post(b"{}", {})).error == "tls"
        await right.close()
