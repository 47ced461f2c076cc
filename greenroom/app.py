"""The composition root: settings in, ASGI application out. The only place that knows everybody."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from anyio.lowlevel import checkpoint
from starlette.routing import Router

from greenroom.administration import routes as administration
from greenroom.administration.service import Administration
from greenroom.attendance import routes as attendance
from greenroom.attendance.service import Attendance
from greenroom.background import background, database_of, providers_of, sign_recordings, store_of, wait_of
from greenroom.calendar import routes as calendar
from greenroom.calendar.service import Calendars
from greenroom.calls import routes as calls
from greenroom.calls.service import Calls
from greenroom.events import service as events
from greenroom.identity.claims import ClaimNames
from greenroom.identity.gate import Gate
from greenroom.identity.introspection import IntrospectedTokens
from greenroom.identity.jwt_bearer import JwtTokens
from greenroom.identity.provider import IdentityProvider
from greenroom.identity.published_keys import PublishedKeys
from greenroom.identity.request import CallerRequest
from greenroom.identity.server import IdentityServer
from greenroom.identity.service import refresh_revocations
from greenroom.identity.sign_in import SignIn
from greenroom.identity.tickets import StreamTickets
from greenroom.identity.tokens import LocalTokens, Signer
from greenroom.inbox import routes as inbox
from greenroom.inbox.service import Inbox
from greenroom.kit import housekeeping
from greenroom.kit.http.asgi import App
from greenroom.kit.http.cors import Cors
from greenroom.kit.http.envelope import Envelope, Refusals
from greenroom.kit.http.protocol import PatientProtocol
from greenroom.kit.http.rate_limit import RateLimiter
from greenroom.kit.http.routing import Performed, nothing_there, routes_of
from greenroom.kit.pagination import Cursors
from greenroom.kit.serving import SHARED_DIRECTORY
from greenroom.kit.telemetry import Traffic, configure_logs, traced
from greenroom.notifications import mailing
from greenroom.notifications import routes as notifications
from greenroom.notifications.contacts import Contacts
from greenroom.notifications.service import Notifications
from greenroom.notifications.unsubscribing import Unsubscribing
from greenroom.questions import routes as questions
from greenroom.questions.service import Questions
from greenroom.recordings import routes as recordings
from greenroom.recordings.service import Recordings
from greenroom.registrations import routes as registrations
from greenroom.registrations.links import Tickets
from greenroom.registrations.service import Registrations
from greenroom.rooms import routes as rooms
from greenroom.rooms.switchboard import Limits, Switchboard
from greenroom.rooms.tokens import RoomTokens
from greenroom.session_settings import routes as session_settings
from greenroom.session_settings.service import SettingsOf, defaults
from greenroom.sessions import routes as sessions
from greenroom.sessions.service import Sessions
from greenroom.setting_rules import load_settings
from greenroom.settings import Settings
from greenroom.stream import routes as stream
from greenroom.stream.engine import Engine
from greenroom.stream.service import Rechecks, Streams
from greenroom.timers import service as timers
from greenroom.web import assets, desk, documentation, health, participants, signing
from greenroom.web.document import build_document
from greenroom.web.documentation import Documentation
from greenroom.web.faults import answer_of
from greenroom.web.forms import FormSeals
from greenroom.web.sdks import sdks_of
from greenroom.web.visit import Pages
from greenroom.webhooks import routes as webhooks
from greenroom.webhooks import service as webhook_service
from greenroom.webhooks.addresses import Reach
from greenroom.webhooks.service import Webhooks
from greenroom.webhooks.signing import SecretBox

ROUTES: list[Performed] = [
    *sessions.ROUTES,
    *registrations.ROUTES,
    *questions.ROUTES,
    *stream.ROUTES,
    *calendar.ROUTES,
    *attendance.ROUTES,
    *calls.ROUTES,
    *inbox.ROUTES,
    *recordings.ROUTES,
    *administration.ROUTES,
    *session_settings.ROUTES,
    *notifications.ROUTES,
    *webhooks.ROUTES,
    *health.ROUTES,
    *documentation.ROUTES,
    *assets.ROUTES,
    *signing.ROUTES,
    *participants.ROUTES,
    *desk.ROUTES,
]

# The router looks at its routes one by one: these first.
HOT = [sessions.get_session, registrations.register_caller, calls.join_session, questions.vote]

MEASURE_SECONDS = 5.0

CORS_REQUEST_HEADERS = ("Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID", "X-Brand-Id", "X-Request-Id")
CORS_ANSWER_HEADERS = ("ETag", "Idempotency-Replayed", "Link", "Location", "Retry-After", "X-Request-Id")


def create_app() -> App:
    """The application of one worker process, by the environment's settings. Raises SettingsError."""
    settings = load_settings()
    traffic = configure_logs(settings.log_level)
    PatientProtocol.request_seconds = settings.request_seconds
    shared = os.environ.get(SHARED_DIRECTORY)
    return build(settings, limiter=RateLimiter(Path(shared) / "rate-limits" if shared else None), traffic=traffic)


def build(settings: Settings, *, limiter: RateLimiter, traffic: Traffic) -> App:
    """The application; it opens its database when the server starts it."""
    tokens = LocalTokens(Signer(settings.secret_keys))
    cursors = Cursors(settings.secret_keys)
    tickets = StreamTickets(settings.secret_keys)
    remote = list(_remote_sources(settings))
    provider = _identity_provider(settings)
    gate = Gate(
        [*([tokens] if "local" in settings.identity else []), *remote],
        limiter,
        limits={
            "reads": settings.rate_limit_reads,
            "writes": settings.rate_limit_writes,
            "admin": settings.rate_limit_admin,
        },
        client_limits=settings.rate_limit_clients,
        tickets=tickets,
        is_revoked=tokens.is_revoked,
    )

    @asynccontextmanager
    async def lifespan(_: object) -> AsyncIterator[dict[str, Any]]:
        db = database_of(settings, size=settings.pool_size)
        providers = providers_of(settings, db)
        joining = Calls(db, providers, default=settings.video_provider, records=settings.recording == "on")
        engine = Engine(db, Rechecks(gate), seconds=settings.stream_seconds, wait_seconds=settings.pool_wait_seconds)
        contacts = Contacts(db)
        unsubscribing = Unsubscribing(settings.secret_keys, public_url=settings.public_url)
        beside = AsyncExitStack()
        if settings.background == "on":
            await beside.enter_async_context(background(settings))
        chores = [
            asyncio.create_task(housekeeping.repeat(lambda: refresh_revocations(db, tokens), seconds=5)),
            asyncio.create_task(housekeeping.repeat(lambda: events.measure(db), seconds=MEASURE_SECONDS)),
            asyncio.create_task(housekeeping.repeat(lambda: timers.measure(db), seconds=MEASURE_SECONDS)),
            asyncio.create_task(housekeeping.repeat(lambda: mailing.measure(db), seconds=MEASURE_SECONDS)),
            asyncio.create_task(housekeeping.repeat(lambda: webhook_service.measure(db), seconds=MEASURE_SECONDS)),
            asyncio.create_task(housekeeping.repeat(traffic.count_under_way, seconds=1)),
            asyncio.create_task(housekeeping.stop_without_parent()),
        ]
        webhooks_in = Inbox(db, providers)
        switchboard = Switchboard(
            db,
            webhooks_in,
            Limits(people=settings.room_people, viewers=settings.room_viewers, ice_servers=settings.ice_servers),
            wait_seconds=settings.pool_wait_seconds,
        )
        if len(providers.videos()) > 1:
            await checkpoint()  # loads what asks the providers, before somebody waits for an answer
        gc.freeze()  # what is loaded stays: to look through it each time would stop a worker for some tenths of a second
        yield {
            "db": db,
            "sessions": Sessions(db, cursors, wait_seconds=settings.pool_wait_seconds),
            "registrations": Registrations(db, cursors, Tickets(settings.secret_keys), public_url=settings.public_url),
            "questions": Questions(db, cursors),
            "streams": Streams(db, engine, tickets, seconds=settings.stream_seconds, public_url=settings.public_url),
            "attendance": Attendance(db, cursors),
            "calendars": Calendars(db, public_url=settings.public_url, mail_from=settings.mail_from),
            "calls": joining,
            "inbox": webhooks_in,
            "switchboard": switchboard,
            "recordings": Recordings(db, store_of(settings), webhooks_in, wait_of(settings)),
            "recording_links": sign_recordings(settings),
            "administration": Administration(db, cursors),
            "webhooks": Webhooks(db, cursors, SecretBox(settings.secret_keys), Reach.of(settings.webhook_allowed)),
            "settings": SettingsOf(db, defaults(settings.video_provider)),
            "contacts": contacts,
            "notifications": Notifications(db, contacts, unsubscribing),
            "documentation": Documentation(lambda: build_document(ROUTES)),
            "pages": Pages(
                SignIn(db, tokens, settings.secret_keys),
                FormSeals(settings.secret_keys),
                gate,
                is_public=settings.public_pages == "on",
                embed_origins=settings.embed_origins,
                join_url=settings.join_url,
                provider=provider,
                has_links="local" in settings.identity,
                public_url=settings.public_url,
                sdks=sdks_of(settings),
            ),
        }
        await engine.close()
        await switchboard.close()
        await beside.aclose()
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)
        await asyncio.gather(*(source.close() for source in (*remote, *([provider] if provider else []))))
        await joining.close()
        await providers.close()
        await db.close()
        traffic.flush()

    router = Router(
        [
            *routes_of([*HOT, *(route for route in ROUTES if route not in HOT)], admit=gate, request_class=CallerRequest),
            rooms.signalling(RoomTokens(settings.secret_keys), limiter),
        ],
        redirect_slashes=False,
        default=nothing_there,
        lifespan=lifespan,
    )
    refusing = Refusals(
        router,
        limiter=limiter,
        address_limit=settings.rate_limit_address,
        webhook_limit=settings.rate_limit_webhooks,
        answer_of=answer_of,
    )
    return Envelope(traced(_with_cors(refusing, settings)), traffic=traffic)


def _remote_sources(settings: Settings) -> Iterator[JwtTokens | IntrospectedTokens]:
    """The identity server's tokens. Introspection is last: it takes every token for its own."""
    names = _claim_names(settings)
    if "jwt" in settings.identity:
        keys = PublishedKeys(
            IdentityServer("jwt", seconds=settings.identity_seconds),
            issuer=settings.jwt_issuer or "",
            url=settings.jwt_jwks_url,
        )
        yield JwtTokens(
            keys,
            issuer=settings.jwt_issuer or "",
            audience=settings.jwt_audience or "",
            types=settings.jwt_types,
            names=names,
        )
    if "introspection" in settings.identity:
        yield IntrospectedTokens(
            IdentityServer("introspection", seconds=settings.identity_seconds),
            url=settings.introspection_url or "",
            client_id=settings.introspection_client_id or "",
            client_secret=settings.introspection_client_secret or "",
            audience=settings.introspection_audience,
            names=names,
            cache_seconds=settings.introspection_cache_seconds,
        )


def _claim_names(settings: Settings) -> ClaimNames:
    return ClaimNames(
        user=settings.identity_user_claim,
        clients=settings.identity_client_claim,
        brand=settings.identity_brand_claim,
        scopes=settings.identity_scope_claims,
        email=settings.identity_email_claim,
        zone=settings.identity_zone_claim,
    )


def _identity_provider(settings: Settings) -> IdentityProvider | None:
    """Who signs people in on the pages, where the settings name somebody."""
    if settings.oidc_issuer is None:
        return None
    return IdentityProvider(
        IdentityServer("oidc", seconds=settings.identity_seconds),
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id or "",
        client_secret=settings.oidc_client_secret,
        scope=settings.oidc_scope,
        brand=settings.oidc_brand,
        live_scope=settings.oidc_live_scope,
        names=_claim_names(settings),
        secret_keys=settings.secret_keys,
    )


def _with_cors(app: App, settings: Settings) -> App:
    """The application with CORS for the origins of the settings; with none, browsers of other origins are kept out."""
    if not settings.cors_origins:
        return app
    return Cors(
        app,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST", "PATCH", "PUT", "DELETE"],
        allow_headers=["Authorization", "Content-Type", *CORS_REQUEST_HEADERS],
        expose_headers=CORS_ANSWER_HEADERS,
    )
