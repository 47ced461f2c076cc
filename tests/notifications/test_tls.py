"""STARTTLS: asked for, checked against the authorities, and never left out quietly."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from greenroom.notifications.smtp import ServerError
from tests.notifications.office import Office
from tests.notifications.post import Post, running_post


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 127.0.0.1, and of its own authority; the key is in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "post.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def context_of(certificate: Path) -> ssl.SSLContext:
    """The server's side."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_mail_goes_out_by_starttls_where_the_certificate_is_good(
    office: Office, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with running_post(Post(), tls=context_of(certificate)) as strict:
        strict.url += "?tls=starttls"
        office.post = strict
        office.mailing = office.another_mailing()
        await office.session("ada", tell=False)
        await office.deliver()
        assert len(strict.taken) == 1
        await office.mailing.close()


async def test_a_certificate_of_nobodys_is_refused_and_says_so(office: Office, certificate: Path) -> None:
    async with running_post(Post(), tls=context_of(certificate)) as strange:
        strange.url += "?tls=starttls"
        office.post = strange
        office.mailing = office.another_mailing()
        await office.session("ada", tell=False)
        await office.plan()
        with pytest.raises(ServerError, match="the certificate is not good"):
            await office.mailing.send_due()
        assert strange.taken == []


async def test_without_starttls_nothing_is_sent_where_it_is_asked_for(office: Office, post: Post) -> None:
    post.url += "?tls=starttls"
    office.mailing = office.another_mailing()
    await office.session("ada", tell=False)
    await office.plan()
    with pytest.raises(ServerError, match="the server offers no STARTTLS"):
        await office.mailing.send_due()
    assert post.taken == []
