"""From the environment to settings that can be used together: what is missing, or is half said, is told in a line."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import msgspec

from greenroom.identity.addresses import is_private_way
from greenroom.identity.scopes import READ_LIVE, SCOPES, granted_by
from greenroom.kit.wire import is_email_address
from greenroom.notifications.smtp import server_at
from greenroom.recordings.address import BUCKET
from greenroom.session_settings.schemas import VideoProvider
from greenroom.settings import IdentitySource, LogLevel, Settings, SettingsError, Switch, variable
from greenroom.webhooks.addresses import Reach

PROVIDER_URL = re.compile(r"[a-z]+://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")
JOIN_URL = re.compile(r"https?://[A-Za-z0-9.:-]+/[A-Za-z0-9._~/?#&=%-]*\{session_id\}[A-Za-z0-9._~/?#&=%-]*")
PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
SDK_URL = re.compile(r"(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)?/(?!/)[A-Za-z0-9._~@+/-]*[A-Za-z0-9._~@+-]")
INTEGRITY = re.compile(r"sha(256-[A-Za-z0-9+/]{43}=|384-[A-Za-z0-9+/]{64}|512-[A-Za-z0-9+/]{86}==)")
SDKS = ("getstream", "livekit")
LISTS = frozenset({"secret_keys", "cors_origins", "embed_origins", "trusted_proxies"}) | {
    "getstream_api_secret",
    "identity",
    "identity_client_claim",
    "identity_scope_claims",
    "jwt_types",
    "livekit_api_key",
    "livekit_api_secret",
    "webhook_allowed",
}
CHOICES = {
    "background": Switch,
    "log_level": LogLevel,
    "identity": IdentitySource,
    "public_pages": Switch,
    "recording": Switch,
    "video_provider": VideoProvider,
}
JSON_VALUES = {
    "rate_limit_clients": '{"my-backend": 60000}',
    "ice_servers": '[{"urls": ["stun:stun.example.com"]}]',
}
SECRET_KEY_CHARACTERS = 32
REQUIRED_BY = {
    "introspection": ("introspection_url", "introspection_client_id", "introspection_client_secret"),
    "jwt": ("jwt_issuer", "jwt_audience"),
}
PROVIDER_NEEDS = {
    "getstream": ("getstream_api_key", "getstream_api_secret"),
    "livekit": ("livekit_url", "livekit_api_key", "livekit_api_secret"),
}
PROVIDER_ADDRESSES = {"getstream_base_url": ("https", "http"), "livekit_url": ("wss", "ws", "https", "http")}
IDENTITY_ADDRESSES = ("introspection_url", "jwt_issuer", "jwt_jwks_url", "oidc_issuer")


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that the environment asks for. Raises SettingsError; an empty variable is one that is not set."""
    given = {name: environ[variable(name)] for name in Settings.__struct_fields__ if environ.get(variable(name))}
    try:
        settings = msgspec.convert(
            {name: _value(name, text) for name, text in given.items()}, Settings, strict=False, dec_hook=_path
        )
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(str(error))) from None
    if any(len(key) < SECRET_KEY_CHARACTERS for key in settings.secret_keys):
        raise SettingsError(f"{variable('secret_keys')}: each key needs at least {SECRET_KEY_CHARACTERS} characters.")
    if settings.database_url and not settings.secret_keys:
        raise SettingsError(
            f"{variable('secret_keys')} is required with an external database (replicas must agree on it): set it to a "
            f"random text of at least {SECRET_KEY_CHARACTERS} characters, such as the output of: openssl rand -hex 32"
        )
    _refuse_half_an_identity(settings)
    _refuse_half_a_sign_in(settings)
    _refuse_half_a_provider(settings)
    _refuse_odd_sdks(settings)
    if settings.public_url is not None and not PUBLIC_URL.fullmatch(settings.public_url):
        raise SettingsError(f"{variable('public_url')}: expected http or https, a host, and no path.")
    if not all(ORIGIN.fullmatch(origin) for origin in settings.embed_origins):
        raise SettingsError(f"{variable('embed_origins')}: expected origins such as https://www.example.com, by comma.")
    _refuse_half_a_post_office(settings)
    _refuse_half_a_store(settings)
    try:
        Reach.of(settings.webhook_allowed)
    except ValueError:
        raise SettingsError(
            f"{variable('webhook_allowed')}: expected hosts or networks such as 10.1.0.0/16, by comma."
        ) from None
    return settings


def _refuse_half_a_post_office(settings: Settings) -> None:
    """Raises SettingsError for a mail server that lacks what it needs, or an address that is none."""
    if settings.mail_from is not None and not is_email_address(settings.mail_from):
        raise SettingsError(f"{variable('mail_from')}: expected an address such as noreply@example.com, without a name.")
    if settings.join_url is not None and not JOIN_URL.fullmatch(settings.join_url):
        raise SettingsError(f"{variable('join_url')}: expected an address with http or https, and {{session_id}} in it.")
    if settings.smtp_url is None:
        return
    try:
        server_at(settings.smtp_url)
    except ValueError as error:
        raise SettingsError(f"{variable('smtp_url')}: {error}.") from None
    for name in ("mail_from", "public_url"):
        if getattr(settings, name) is None:
            raise SettingsError(f"{variable(name)} is required with {variable('smtp_url')}.")


def _refuse_half_a_store(settings: Settings) -> None:
    """Raises SettingsError for a bucket that lacks what it needs, or what it needs without a bucket."""
    if settings.recording_store is not None and not BUCKET.fullmatch(settings.recording_store):
        raise SettingsError(f"{variable('recording_store')}: expected s3://, a bucket, and perhaps a prefix.")
    endpoint = settings.recording_s3_endpoint
    if endpoint is not None and not PUBLIC_URL.fullmatch(endpoint):
        raise SettingsError(f"{variable('recording_s3_endpoint')}: expected http or https, a host, and no path.")
    for name in ("recording_s3_endpoint", "recording_s3_region", "recording_s3_access_key", "recording_s3_secret_key"):
        if getattr(settings, name) is not None and settings.recording_store is None:
            raise SettingsError(f"{variable('recording_store')} is required with {variable(name)}.")
    if (settings.recording_s3_access_key is None) != (settings.recording_s3_secret_key is None):
        raise SettingsError(f"{variable('recording_s3_access_key')} and {variable('recording_s3_secret_key')} go together.")


def _refuse_half_an_identity(settings: Settings) -> None:
    """Raises SettingsError for a source of tokens that lacks what it needs, or an address on which others could listen."""
    for source in settings.identity:
        for name in REQUIRED_BY.get(source, ()):
            if not getattr(settings, name):
                raise SettingsError(f"{variable(name)} is required with {source} in {variable('identity')}.")
    for name in IDENTITY_ADDRESSES:
        address = getattr(settings, name)
        if address is not None and not is_private_way(address):
            raise SettingsError(f"{variable(name)}: expected an address with https, or with http on localhost.")
    if "?" in (settings.jwt_issuer or ""):
        raise SettingsError(f"{variable('jwt_issuer')}: expected an address without a query (RFC 8414, section 2).")


def _refuse_half_a_sign_in(settings: Settings) -> None:
    """Raises SettingsError for an OpenID Connect provider that lacks what it needs, or scopes that nobody knows."""
    if settings.oidc_issuer is not None and settings.oidc_client_id is None:
        raise SettingsError(f"{variable('oidc_client_id')} is required with {variable('oidc_issuer')}.")
    for name in ("oidc_client_id", "oidc_client_secret", "oidc_brand"):
        if getattr(settings, name) is not None and settings.oidc_issuer is None:
            raise SettingsError(f"{variable('oidc_issuer')} is required with {variable(name)}.")
    if "openid" not in settings.oidc_scope.split():
        raise SettingsError(f"{variable('oidc_scope')}: expected scopes separated by spaces, openid among them.")
    scopes = settings.oidc_live_scope.split()
    if not SCOPES.keys() >= set(scopes) or READ_LIVE not in granted_by(scopes):
        raise SettingsError(
            f"{variable('oidc_live_scope')}: expected one or more of {', '.join(SCOPES)}, and {READ_LIVE} in it."
        )


def _refuse_half_a_provider(settings: Settings) -> None:
    """Raises SettingsError for a provider that is chosen, or begun to be set, and lacks what it needs."""
    for provider, needs in PROVIDER_NEEDS.items():
        given = [name for name in needs if getattr(settings, name)]
        chosen = settings.video_provider == provider
        for name in needs:
            if (chosen or given) and name not in given:
                because = f"{variable('video_provider')} {provider}" if chosen else variable(given[0])
                raise SettingsError(f"{variable(name)} is required with {because}.")
    if len(settings.livekit_api_key) != len(settings.livekit_api_secret):
        raise SettingsError(
            f"{variable('livekit_api_secret')}: expected as many as there are in {variable('livekit_api_key')}."
        )
    for name, schemes in PROVIDER_ADDRESSES.items():
        address = getattr(settings, name)
        if address is not None and not (PROVIDER_URL.fullmatch(address) and address.partition(":")[0] in schemes):
            raise SettingsError(f"{variable(name)}: expected an address with {' or '.join(schemes)}, and no query.")


def _refuse_odd_sdks(settings: Settings) -> None:
    """Raises SettingsError for a web SDK that is not one file, could be changed on its way, or has half a checksum.

    What is taken here stands as it is in the policy of the room's page.
    """
    for provider in SDKS:
        url, integrity = getattr(settings, f"{provider}_sdk_url"), getattr(settings, f"{provider}_sdk_integrity")
        name, checksum = variable(f"{provider}_sdk_url"), variable(f"{provider}_sdk_integrity")
        if url is not None and not (SDK_URL.fullmatch(url) and (url.startswith("/") or is_private_way(url))):
            raise SettingsError(f"{name}: expected https and where one file is, without a query, or a path of this origin.")
        if integrity is not None and not INTEGRITY.fullmatch(integrity):
            raise SettingsError(f"{checksum}: expected one hash such as sha384-..., in base64.")
        if integrity is not None and url is None:
            raise SettingsError(f"{name} is required with {checksum}.")


def _value(name: str, text: str) -> object:
    if name in LISTS:
        return tuple(part for part in (part.strip() for part in text.split(",")) if part)
    if name in JSON_VALUES:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            raise SettingsError(f"{variable(name)}: expected JSON such as {JSON_VALUES[name]}.") from None
    return text


def _path(kind: type, value: object) -> object:
    """msgspec knows no paths."""
    if kind is not Path:
        raise NotImplementedError(kind)
    return Path(str(value)).expanduser()


def _explain(complaint: str) -> str:
    """One line from msgspec's complaint, with the variable's name and without the value, which may be a secret."""
    reason, _, path = complaint.partition(" - at `$.")
    name = path.split("[")[0].split(".")[0].rstrip("`")
    if reason.startswith("Invalid enum value"):
        reason = f"expected one of {', '.join(get_args(CHOICES[name]))}"
    return f"{variable(name)}: {reason.replace('`', '').lower()}."
