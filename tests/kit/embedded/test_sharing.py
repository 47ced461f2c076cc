"""PostgreSQL runs while somebody needs it, whoever is killed in between."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from greenroom.kit.embedded import Lease
from tests.kit.embedded.site import Site, eventually, value


async def test_it_starts_from_nothing(site: Site) -> None:
    async with await Lease.take(site.data_dir) as lease:
        assert await value(lease.service_url, "SELECT current_user::text") == "greenroom"
        assert await value(lease.owner_url, "SELECT current_user::text") == "greenroom_owner"
        assert await value(lease.owner_url, "SELECT current_database()::text") == "greenroom"
        assert await value(lease.owner_url, "SHOW data_checksums") == "on"
        assert await value(lease.owner_url, "SHOW server_encoding") == "UTF8"


async def test_the_last_lease_closes_when_postgresql_has_stopped(site: Site) -> None:
    lease = await Lease.take(site.data_dir)
    await lease.close()
    assert site.is_at_rest()
    assert not (site.layout.data / "postmaster.pid").exists()


def test_a_lease_outlives_the_event_loop_that_took_it(site: Site) -> None:
    lease = asyncio.run(Lease.take(site.data_dir))
    os.kill(site.supervisors()[0], signal.SIGKILL)
    assert asyncio.run(value(lease.service_url, "SELECT 1")) == 1
    asyncio.run(lease.close())
    assert site.is_at_rest()


async def test_a_second_process_shares_the_server_and_keeps_it_when_the_first_is_killed(site: Site) -> None:
    first = site.user()
    assert first.said
    postmaster = site.postmaster()
    second = site.user()
    assert second.service_url == first.service_url
    first.kill()
    await asyncio.sleep(1)
    assert await value(second.service_url, "SELECT 1") == 1
    assert site.postmaster() == postmaster
    assert len(site.supervisors()) == 1


def test_it_stops_when_the_last_user_leaves(site: Site) -> None:
    first, second = site.user(), site.user()
    assert first.said
    assert second.said
    first.leave()
    assert site.postmasters()
    second.leave()
    assert site.is_at_rest()


def test_it_stops_when_the_last_user_is_killed(site: Site) -> None:
    user = site.user()
    assert user.said
    user.kill()
    eventually(site.is_at_rest)
    assert not (site.layout.data / "postmaster.pid").exists()


def test_a_forked_worker_does_not_keep_its_parents_lease(site: Site) -> None:
    user = site.user("fork")
    assert user.said
    os.kill(user.process.pid, signal.SIGKILL)
    eventually(site.is_at_rest, 10)


async def test_one_who_comes_while_it_stops_gets_a_running_server(site: Site) -> None:
    for _ in range(3):
        user = site.user()
        assert user.said
        user.kill()
        await asyncio.sleep(0.25)
        async with await Lease.take(site.data_dir) as lease:
            assert await value(lease.service_url, "SELECT 1", patience=0) == 1


async def test_processes_that_start_at_the_same_moment_on_an_empty_directory_share_one_server(site: Site) -> None:
    users = [site.user() for _ in range(4)]
    assert len({user.service_url for user in users}) == 1
    for user in users:
        assert await value(user.service_url, "SELECT 1", patience=0) == 1
    assert len(site.postmasters()) == 1
    eventually(lambda: len(site.supervisors()) == 1)


async def test_a_killed_server_comes_back_with_what_was_committed(site: Site) -> None:
    async with await Lease.take(site.data_dir) as lease:
        killed = site.postmaster()
        await value(lease.owner_url, "CREATE TABLE kept AS SELECT 42 AS n")
        os.kill(killed, signal.SIGKILL)
        assert await value(lease.owner_url, "SELECT n FROM kept") == 42
        assert site.postmaster() != killed


async def test_a_server_killed_while_it_starts_is_started_again(site: Site) -> None:
    async with await Lease.take(site.data_dir):
        pass
    user = site.user()
    eventually(lambda: bool(site.postmasters()))
    os.kill(site.postmasters()[0], signal.SIGKILL)
    assert await value(user.service_url, "SELECT 1") == 1


async def test_a_killed_supervisor_is_replaced(site: Site) -> None:
    async with await Lease.take(site.data_dir) as lease:
        await value(lease.owner_url, "CREATE TABLE kept AS SELECT 42 AS n")
        (killed,) = site.supervisors()
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: bool(set(site.supervisors()) - {killed}), 3)
        eventually(lambda: not site.is_at_rest() and len(site.postmasters()) == 1)
        assert await value(lease.owner_url, "SELECT n FROM kept") == 42


@pytest.mark.parametrize("supervisor_first", [True, False])
async def test_supervisor_and_server_killed_together_come_back(site: Site, *, supervisor_first: bool) -> None:
    async with await Lease.take(site.data_dir) as lease:
        victims = [*site.supervisors(), site.postmaster()]
        for pid in victims if supervisor_first else reversed(victims):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: bool(site.supervisors()))
        assert await value(lease.service_url, "SELECT 1") == 1
        assert len(site.postmasters()) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_server_without_supervisor_and_users_ends(site: Site) -> None:
    user = site.user()
    assert user.said
    victims = [user.process.pid, *site.supervisors()]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    eventually(site.is_at_rest)


async def test_a_stale_pid_file_that_names_another_program_harms_neither(site: Site) -> None:
    async with await Lease.take(site.data_dir):
        pass
    with subprocess.Popen(["sleep", "60"]) as stranger:
        uid = site.layout.owner
        stale = site.layout.data / "postmaster.pid"
        stale.write_text(f"{stranger.pid}\n{site.layout.data}\n0\n5432\n\n\n0 0\nready\n")
        os.chown(stale, uid, -1)
        async with await Lease.take(site.data_dir) as lease:
            assert await value(lease.service_url, "SELECT 1") == 1
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("seconds", [0.05, 0.15, 0.25, 0.35, 0.45, 0.6, 0.8])
async def test_a_first_start_that_was_killed_is_made_good_by_the_next(site: Site, seconds: float) -> None:
    user = site.user()
    eventually(lambda: bool(site.supervisors()))
    await asyncio.sleep(seconds)
    for pid in site.everything():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    user.kill()
    async with await Lease.take(site.data_dir) as lease:
        assert await value(lease.service_url, "SELECT 1") == 1
        assert await value(lease.owner_url, "SELECT 1") == 1
    assert not list(site.layout.server.glob("new-*"))


async def test_a_path_too_long_for_a_socket_works(place: Path) -> None:
    site = Site(place / ("long" * 30))
    try:
        async with await Lease.take(site.data_dir) as lease:
            directory = site.layout.recorded_socket_dir()
            assert directory
            assert directory.stat().st_mode & 0o777 == 0o700
            assert await value(lease.service_url, "SELECT 1") == 1
            os.kill(site.supervisors()[0], signal.SIGKILL)
            await asyncio.sleep(1)
            assert await value(lease.service_url, "SELECT 1") == 1
        assert not directory.exists()
    finally:
        site.end()
