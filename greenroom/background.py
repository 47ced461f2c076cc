"""What runs beside requests: the relay, its ways out, the timers, the chores. In `serve`, in `worker`, or in both."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from greenroom.calls.keeper import Keeper
from greenroom.calls.news import SessionNews
from greenroom.calls.service import carriers_of
from greenroom.events import service as events
from greenroom.events.feed import Feed
from greenroom.events.relay import relay
from greenroom.events.sinks import Driver, Sink
from greenroom.inbox import service as inbox
from greenroom.kit import housekeeping, recording_links
from greenroom.kit.database import Database
from greenroom.kit.recording_links import Lifetimes, Links
from greenroom.notifications import mailing
from greenroom.notifications.composing import Letterhead
from greenroom.notifications.mailing import Mailing
from greenroom.notifications.planning import Planning
from greenroom.notifications.smtp import server_at
from greenroom.notifications.unsubscribing import Unsubscribing
from greenroom.providers.registry import Providers, ProviderSettings
from greenroom.recordings import joiner
from greenroom.recordings.joiner import Joiner
from greenroom.recordings.store import Bucket, Store
from greenroom.registrations.links import Tickets
from greenroom.rooms import service as rooms
from greenroom.rooms.provider import Builtin
from greenroom.rooms.tokens import RoomTokens
from greenroom.settings import Settings
from greenroom.timers.service import Timers
from greenroom.webhooks import planning
from greenroom.webhooks import service as webhooks
from greenroom.webhooks.addresses import Reach
from greenroom.webhooks.sender import Sender
from greenroom.webhooks.signing import SecretBox

CONNECTIONS = 3  # of its own: what happens in the background waits for no request, and no request for it
CHORE_SECONDS = 5.0
STOP_SECONDS = 2.0
A_DAY_MORE = timedelta(days=1)  # an event that is told again finds the message that it once asked for


@asynccontextmanager
async def background(settings: Settings) -> AsyncIterator[Feed]:
    """Run it all until the block ends; answers the feed of told events."""
    store = store_of(settings)
    sign_recordings(settings)
    async with database_of(settings) as db, database_of(settings) as db_of_webhooks:
        providers = providers_of(settings, db)
        events_of_rooms = inbox.Inbox(db, providers)
        feed = Feed(db)
        chores = {
            "prune_idempotency_keys": partial(housekeeping.prune, db),
            "prune_events": partial(events.forget, db, age=timedelta(days=settings.events_days)),
            "prune_inbox": partial(inbox.forget, db),
            "prune_rooms": partial(rooms.forget, db),
            "prune_messages": partial(mailing.forget, db, age=timedelta(days=settings.events_days) + A_DAY_MORE),
            "prune_webhook_deliveries": partial(webhooks.forget, db, age=timedelta(days=settings.events_days)),
        }
        running = [
            relay(db, feed),
            Timers(db).run(),
            planning.run(db_of_webhooks, feed, lambda: sender_of(settings, db_of_webhooks)),
            housekeeping.repeat(lambda: housekeeping.do_chores(db, chores), seconds=CHORE_SECONDS),
            *(Driver(sink, feed, db).run() for sink in sinks_of(settings)),
            Driver(Planning(db), feed, db).run(),
            housekeeping.repeat(lambda: rooms.sweep(db, events_of_rooms), seconds=CHORE_SECONDS),
            Joiner(db, store, events_of_rooms, wait=wait_of(settings), directory=settings.data_dir).run(),
            Mailing(db, letterhead_of(settings), None if settings.smtp_url is None else server_at(settings.smtp_url)).run(),
        ]
        if settings.recording_days:  # beside the other chores, which would wait for a store that is slow
            expire = partial(joiner.expire, db, store, age=timedelta(days=settings.recording_days))
            running.append(
                housekeeping.repeat(lambda: housekeeping.do_chores(db, {"expire_recordings": expire}), seconds=CHORE_SECONDS)
            )
        if providers.videos():
            carriers = carriers_of(providers, default=settings.video_provider, records=settings.recording == "on")
            running += [Keeper(db, providers).run(), Driver(SessionNews(db, carriers), feed, db).run()]
        tasks = [asyncio.create_task(one) for one in running]
        try:
            yield feed
        finally:
            await stop(tasks)
            await providers.close()


async def stop(tasks: Collection["asyncio.Task[None]"]) -> None:
    """Cancel them until each has ended.

    Once is not enough before Python 3.12: there, asyncio.wait_for loses a cancellation that meets a result (gh-86296), and
    nats-py connects by it.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=STOP_SECONDS)


def sinks_of(settings: Settings) -> Iterator[Sink]:
    """The ways out that are configured."""
    if settings.nats_url is not None:
        from greenroom.events.jetstream import JetStream  # noqa: PLC0415  # most installations have none

        yield JetStream(
            settings.nats_url,
            stream=settings.nats_stream,
            credentials=settings.nats_credentials,
            keeps=timedelta(days=settings.events_days),
        )


def letterhead_of(settings: Settings) -> Letterhead:
    """What all mail has in common; where people have no app of the operator's, they join at the session's page."""
    has_pages = settings.public_url is not None and settings.video_provider != "none"
    return Letterhead(
        sender=settings.mail_from,
        public_url=settings.public_url,
        join_url=settings.join_url or (f"{settings.public_url}/s/{{session_id}}" if has_pages else None),
        tickets=Tickets(settings.secret_keys),
        unsubscribing=Unsubscribing(settings.secret_keys, public_url=settings.public_url),
    )


def sender_of(settings: Settings, db: Database) -> Sender:
    """What sends webhooks."""
    return Sender(db, SecretBox(settings.secret_keys), Reach.of(settings.webhook_allowed))


def providers_of(settings: Settings, db: Database) -> Providers:
    """The providers of the settings, and the one that needs no account, unless nobody is to carry anything."""
    return Providers(
        ProviderSettings(
            seconds=settings.provider_seconds,
            getstream_api_key=settings.getstream_api_key,
            getstream_api_secret=settings.getstream_api_secret,
            getstream_base_url=settings.getstream_base_url,
            getstream_call_type=settings.getstream_call_type,
            livekit_url=settings.livekit_url,
            livekit_api_key=settings.livekit_api_key,
            livekit_api_secret=settings.livekit_api_secret,
        ),
        builtin=None if settings.video_provider == "none" else Builtin(db, RoomTokens(settings.secret_keys)),
    )


def store_of(settings: Settings) -> Store:
    """Where recordings are kept."""
    if settings.recording_store is None:
        return Store(settings.data_dir / "recordings")
    return Store(
        Bucket(
            url=settings.recording_store,
            endpoint=settings.recording_s3_endpoint,
            region=settings.recording_s3_region,
            access_key=settings.recording_s3_access_key,
            secret_key=settings.recording_s3_secret_key,
        )
    )


def wait_of(settings: Settings) -> timedelta:
    """For how long a browser that records may stay away."""
    return timedelta(seconds=settings.recording_wait_seconds)


def sign_recordings(settings: Settings) -> Links:
    """Addresses of recordings are signed from now on, in this process; answers what signs them."""
    links = Links(settings.secret_keys, public_url=settings.public_url)
    shown, told = timedelta(seconds=settings.recording_link_seconds), timedelta(days=settings.recording_told_days)
    recording_links.set_up(links, Lifetimes(shown=shown, told=told))
    return links


def database_of(settings: Settings, *, size: int = CONNECTIONS) -> Database:
    """Connections to the database of the settings, as many as the background wants unless said otherwise."""
    if settings.database_url is None:
        raise AssertionError("the embedded database is started, and named, before anybody uses it")
    return Database(
        settings.database_url,
        size=size,
        wait_seconds=settings.pool_wait_seconds,
        statement_seconds=settings.statement_seconds,
    )
