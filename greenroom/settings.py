"""Every setting: its environment variable is GREENROOM_ and its name in capitals.

docs/settings.md is made from this class, and a test holds the two together.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta
from platformdirs import user_data_path

from greenroom.identity.addresses import is_private_way
from greenroom.kit.wire import is_email_address
from greenroom.notifications.smtp import server_at
from greenroom.session_settings.schemas import VideoProvider
from greenroom.webhooks.addresses import Reach

PREFIX = "GREENROOM_"

PerMinute = Annotated[int, Meta(ge=0, le=10_000_000)]
LogLevel = Literal["debug", "info", "warning", "error"]
Switch = Literal["on", "off"]
IdentitySource = Literal["local", "introspection", "jwt"]


class SettingsError(Exception):
    """A setting that cannot be used: the message is one line that names it and says what was expected."""


def default_data_dir() -> Path:
    """The user's data directory; as root /var/lib/greenroom, which `nobody` can reach."""
    return Path("/var/lib/greenroom") if os.geteuid() == 0 else user_data_path("greenroom")


def described(text: str) -> Any:
    """What the setting does, for a reader of docs/settings.md."""
    return Meta(description=text)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator may choose."""

    database_url: Annotated[
        str | None,
        described("The service's role: `postgresql://user:password@host/database`. Not set: the embedded PostgreSQL."),
    ] = None
    database_owner_url: Annotated[
        str | None, described("The role that owns the tables; `greenroom migrate` and `serve --migrate` use it.")
    ] = None
    data_dir: Annotated[Path, described("Where the embedded PostgreSQL and the secret keys live.")] = msgspec.field(
        default_factory=default_data_dir
    )
    secret_keys: Annotated[
        tuple[str, ...],
        described(
            "Keys that sign tokens and cursors, by comma; the first signs, all verify. Required with an external database."
        ),
    ] = ()
    identity: Annotated[
        tuple[IdentitySource, ...],
        Meta(min_length=1),
        described("Whose tokens are taken, by comma: `local` (of `greenroom token`), `introspection`, `jwt`."),
    ] = ("local",)
    identity_seconds: Annotated[
        float, Meta(gt=0, le=30), described("How long the identity server may take to answer before 503.")
    ] = 2.0
    identity_user_claim: Annotated[
        str, described("The claim that says who the user is; as all claims here a name, or a path with dots.")
    ] = "sub"
    identity_client_claim: Annotated[
        tuple[str, ...],
        Meta(min_length=1),
        described("Claims that name the client, by comma; the first that is there counts."),
    ] = ("client_id", "azp")
    identity_brand_claim: Annotated[str, described("The claim that names the brand.")] = "brand"
    identity_scope_claims: Annotated[
        tuple[str, ...],
        Meta(min_length=1),
        described("Claims that hold scopes, by comma: each a text separated by spaces, or an array; all count."),
    ] = ("scope",)
    identity_email_claim: Annotated[
        str, described("The claim that holds the user's e-mail address; one whose `email_verified` is false is not taken.")
    ] = "email"
    identity_zone_claim: Annotated[str, described("The claim that holds the user's time zone, such as `Europe/Berlin`.")] = (
        "zoneinfo"
    )
    introspection_url: Annotated[str | None, described("Where the identity server introspects tokens (RFC 7662).")] = None
    introspection_client_id: Annotated[str | None, described("Greenroom's own client id there.")] = None
    introspection_client_secret: Annotated[str | None, described("Its secret.")] = None
    introspection_audience: Annotated[
        str | None, described("What `aud` of an introspected token must be or contain. Not set: it is not looked at.")
    ] = None
    introspection_cache_seconds: Annotated[
        int, Meta(ge=0, le=60), described("How long an answer is believed, and so how late a revocation may be seen.")
    ] = 60
    jwt_issuer: Annotated[str | None, described("What `iss` of a JWT must be, to the letter.")] = None
    jwt_audience: Annotated[str | None, described("What `aud` of a JWT must be or contain.")] = None
    jwt_jwks_url: Annotated[str | None, described("Where the issuer publishes its keys. Not set: where its metadata says.")] = (
        None
    )
    jwt_types: Annotated[
        tuple[str, ...],
        Meta(min_length=1),
        described("What `typ` of a JWT may be, by comma; add `JWT` for a server that does not follow RFC 9068."),
    ] = ("at+jwt",)
    pool_size: Annotated[int, Meta(ge=1, le=1000), described("Database connections of one worker process.")] = 8
    pool_wait_seconds: Annotated[
        float, Meta(gt=0, le=60), described("How long a request waits for a free database connection before 503.")
    ] = 2.0
    statement_seconds: Annotated[
        float, Meta(gt=0, le=60), described("How long one database statement may take before 503.")
    ] = 5.0
    request_seconds: Annotated[
        float, Meta(gt=0, le=600), described("How long a client may take to send one request before it is cut off.")
    ] = 30.0
    shutdown_seconds: Annotated[
        int, Meta(ge=0, le=600), described("How long requests under way may take to finish when the server stops.")
    ] = 30
    stream_seconds: Annotated[
        int,
        Meta(ge=60, le=86_400),
        described("How long a connection to the live stream may last, and a browser's ticket for it be good."),
    ] = 3600
    rate_limit_reads: Annotated[PerMinute, described("Reads a minute per client and subject; 0 is off.")] = 1000
    rate_limit_writes: Annotated[PerMinute, described("Writes a minute per client and subject; 0 is off.")] = 200
    rate_limit_admin: Annotated[PerMinute, described("Admin requests a minute per client and subject; 0 is off.")] = 100
    rate_limit_address: Annotated[PerMinute, described("Requests a minute per address, before the token; 0 is off.")] = 3000
    rate_limit_webhooks: Annotated[
        PerMinute, described("Webhooks a minute per address of a provider, where no other limit counts; 0 is off.")
    ] = 60_000
    rate_limit_clients: Annotated[
        dict[str, PerMinute],
        described('M2M clients with numbers of their own, for reads and for writes alike: JSON, `{"client": per_minute}`.'),
    ] = {}
    cors_origins: Annotated[tuple[str, ...], described("Origins that browsers may call from, by comma.")] = ()
    public_pages: Annotated[
        Switch, described("Whether pages show sessions to who is not signed in; to register, ask or vote one signs in anyway.")
    ] = "off"
    embed_origins: Annotated[
        tuple[str, ...],
        described(
            "Origins of other sites, by comma, that may show a session's card in a frame: `https://www.example.com`. Not set: "
            "none, and there are no cards."
        ),
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...], described("Addresses or networks of proxies whose X-Forwarded-For is believed, by comma.")
    ] = ()
    public_url: Annotated[
        str | None,
        described("Where people reach the service, for links: `https://live.example.com`. Not set: where the request came in."),
    ] = None
    join_url: Annotated[
        str | None,
        described(
            "Where people join a session, for mail: `https://app.example.com/live/{session_id}`. Not set: mail names no such "
            "place; guests have a link of their own."
        ),
    ] = None
    smtp_url: Annotated[
        str | None,
        described(
            "Where mail is handed over: `smtp://user:password@host:587` (STARTTLS, unless `?tls=none`) or "
            "`smtps://user:password@host:465`. Not set: `comms.message.send_requested.v1` is told instead."
        ),
    ] = None
    mail_from: Annotated[
        str | None, described("The address that mail comes from, and that calendars name as the organizer.")
    ] = None
    video_provider: Annotated[
        VideoProvider, described("Who carries picture and sound where neither the session nor its brand says so.")
    ] = "none"
    provider_seconds: Annotated[
        float,
        Meta(gt=0, le=30),
        described("How long a provider of video or chat may take for one answer; it is asked at most three times."),
    ] = 2.0
    recording: Annotated[Switch, described("Whether calls are recorded, by a provider that can.")] = "on"
    getstream_api_key: Annotated[str | None, described("The key of the app at GetStream. Needs `greenroom[getstream]`.")] = None
    getstream_api_secret: Annotated[
        tuple[str, ...],
        described("Its secrets, by comma, while it is rotated: the first signs, all verify webhooks."),
    ] = ()
    getstream_base_url: Annotated[
        str | None, described("Where GetStream is asked, such as a region of its own. Not set: where its package asks.")
    ] = None
    getstream_call_type: Annotated[
        str, Meta(min_length=1, max_length=64), described("GetStream's type of the calls that are made.")
    ] = "default"
    livekit_url: Annotated[
        str | None, described("Where LiveKit is: `wss://` or `https://`, and its host. Needs `greenroom[livekit]`.")
    ] = None
    livekit_api_key: Annotated[
        tuple[str, ...],
        described("LiveKit's API keys, by comma, while they are rotated: the first signs, all verify webhooks."),
    ] = ()
    livekit_api_secret: Annotated[tuple[str, ...], described("Their secrets, by comma, in the order of the keys.")] = ()
    background: Annotated[
        Switch,
        described(
            "Whether `serve` also tells events and fires timers. Off where `greenroom worker` does it in processes of its own."
        ),
    ] = "on"
    events_days: Annotated[
        int,
        Meta(ge=1, le=3650),
        described("For how many days events are kept after they were told, for replays and late readers."),
    ] = 7
    nats_url: Annotated[
        str | None,
        described("Where events are told to NATS JetStream: `nats://user:password@host:4222`, or `tls://`. Not set: nowhere."),
    ] = None
    nats_stream: Annotated[
        str, described("The stream that takes them, made when it is missing. It must be Greenroom's own.")
    ] = "GREENROOM"
    nats_credentials: Annotated[Path | None, described("A file with NATS credentials (`.creds`).")] = None
    webhook_allowed: Annotated[
        tuple[str, ...],
        described(
            "Hosts or networks, by comma, that webhooks may be sent to though they are not public, and by `http` too: "
            "`localhost,10.1.0.0/16`. For development, and for endpoints of one's own."
        ),
    ] = ()
    log_level: Annotated[LogLevel, described("The least severe line that is logged.")] = "info"


PROVIDER_URL = re.compile(r"[a-z]+://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")
JOIN_URL = re.compile(r"https?://[A-Za-z0-9.:-]+/[A-Za-z0-9._~/?#&=%-]*\{session_id\}[A-Za-z0-9._~/?#&=%-]*")
PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
ORIGIN = re.compile(r"https?://(\*\.)?[A-Za-z0-9.-]+(:[0-9]{1,5})?")
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
JSON_VALUES = frozenset({"rate_limit_clients"})
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
IDENTITY_ADDRESSES = ("introspection_url", "jwt_issuer", "jwt_jwks_url")


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


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
    _refuse_half_a_provider(settings)
    if settings.public_url is not None and not PUBLIC_URL.fullmatch(settings.public_url):
        raise SettingsError(f"{variable('public_url')}: expected http or https, a host, and no path.")
    if not all(ORIGIN.fullmatch(origin) for origin in settings.embed_origins):
        raise SettingsError(f"{variable('embed_origins')}: expected origins such as https://www.example.com, by comma.")
    _refuse_half_a_post_office(settings)
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


def _value(name: str, text: str) -> object:
    if name in LISTS:
        return tuple(part for part in (part.strip() for part in text.split(",")) if part)
    if name in JSON_VALUES:
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            raise SettingsError(f'{variable(name)}: expected JSON such as {{"my-backend": 60000}}.') from None
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
