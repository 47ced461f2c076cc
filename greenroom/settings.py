"""Every setting: its environment variable is GREENROOM_ and its name in capitals.

docs/settings.md is made from this class, and a test holds the two together.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from platformdirs import user_data_path

from greenroom.rooms.schemas import IceServer
from greenroom.session_settings.schemas import VideoProvider

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
    oidc_issuer: Annotated[
        str | None,
        described("Who signs people in on the pages, by OpenID Connect: its issuer, to the letter. Not set: links alone."),
    ] = None
    oidc_client_id: Annotated[str | None, described("Greenroom's client id there.")] = None
    oidc_client_secret: Annotated[str | None, described("Its secret. Not set: a public client, which has PKCE alone.")] = None
    oidc_scope: Annotated[str, described("What is asked for there.")] = "openid profile email"
    oidc_brand: Annotated[
        str | None,
        described("The brand of who signs in there, where the ID token has no `GREENROOM_IDENTITY_BRAND_CLAIM`."),
    ] = None
    oidc_live_scope: Annotated[str, described("What who signs in there may do, where the ID token has none of our scopes.")] = (
        "read:live write:live"
    )
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
            "Where people join a session: `https://app.example.com/live/{session_id}`. Not set: at the page of its room, and "
            "mail leads to that of the session, at GREENROOM_PUBLIC_URL. Guests have a link of their own."
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
        VideoProvider,
        described(
            "Who carries picture and sound where neither the session nor its brand says so. With `none`, `builtin` is off."
        ),
    ] = "builtin"
    room_people: Annotated[
        int, Meta(ge=2, le=16), described("How many a room of office hours holds with builtin video: each sends to each other.")
    ] = 8
    room_viewers: Annotated[
        int,
        Meta(ge=1, le=100),
        described("How many watch a live session with builtin video, beside its hosts: each host sends to each viewer."),
    ] = 20
    ice_servers: Annotated[
        tuple[IceServer, ...],
        described(
            "STUN and TURN servers that browsers use with builtin video: JSON, an array of "
            '`{"urls": ["turn:turn.example.com"], "username": "...", "credential": "..."}`. Not set: none, which is enough '
            "within one network."
        ),
    ] = ()
    provider_seconds: Annotated[
        float,
        Meta(gt=0, le=30),
        described("How long a provider of video or chat may take for one answer; it is asked at most three times."),
    ] = 2.0
    recording: Annotated[Switch, described("Whether calls are recorded, by a provider that can.")] = "on"
    recording_days: Annotated[
        int, Meta(ge=0, le=36_500), described("For how many days recordings that Greenroom keeps are kept; 0 is for ever.")
    ] = 0
    recording_link_seconds: Annotated[
        int,
        Meta(ge=60, le=604_800),
        described("How long the address of such a recording is good, at least, in answers and on pages."),
    ] = 3600
    recording_told_days: Annotated[
        int, Meta(ge=1, le=365), described("For how many days, at least, in events and in mail, which are read later.")
    ] = 7
    recording_wait_seconds: Annotated[
        int,
        Meta(ge=1, le=86_400),
        described("For how long a host's browser that was cut off may come back with the rest, once the session is over."),
    ] = 600
    recording_store: Annotated[
        str | None,
        described(
            "Where recordings of builtin rooms are kept: `s3://bucket/prefix`. Not set: the directory `recordings` in "
            "`GREENROOM_DATA_DIR`."
        ),
    ] = None
    recording_s3_endpoint: Annotated[
        str | None, described("Where the bucket is, for a store that is not Amazon's: `https://storage.example.com`.")
    ] = None
    recording_s3_region: Annotated[str | None, described("The bucket's region.")] = None
    recording_s3_access_key: Annotated[
        str | None, described("Who Greenroom is there. Not set: what the machine's own environment says.")
    ] = None
    recording_s3_secret_key: Annotated[str | None, described("The key's secret.")] = None
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
    getstream_sdk_url: Annotated[
        str | None,
        described(
            "The ES module of GetStream's web SDK, in one file, for the page of the room: `https://` and where, or a path of "
            "this origin that your proxy serves. Not set: people join at `GREENROOM_JOIN_URL`."
        ),
    ] = None
    getstream_sdk_integrity: Annotated[
        str | None,
        described("What that module must be: `sha384-...`, as in Subresource Integrity. Not set: it is not looked at."),
    ] = None
    livekit_url: Annotated[
        str | None, described("Where LiveKit is: `wss://` or `https://`, and its host. Needs `greenroom[livekit]`.")
    ] = None
    livekit_api_key: Annotated[
        tuple[str, ...],
        described("LiveKit's API keys, by comma, while they are rotated: the first signs, all verify webhooks."),
    ] = ()
    livekit_api_secret: Annotated[tuple[str, ...], described("Their secrets, by comma, in the order of the keys.")] = ()
    livekit_sdk_url: Annotated[
        str | None,
        described(
            "The same as `GREENROOM_GETSTREAM_SDK_URL`, for LiveKit's web SDK, which browsers use at `GREENROOM_LIVEKIT_URL`."
        ),
    ] = None
    livekit_sdk_integrity: Annotated[
        str | None, described("The same as `GREENROOM_GETSTREAM_SDK_INTEGRITY`, for LiveKit's.")
    ] = None
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


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()
