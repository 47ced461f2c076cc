"""greenroom with the PostgreSQL that it brings: one command, one directory, nothing left behind."""

import re
import shutil
import signal
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.commands.command import Environment, Running, Said, embedded_environment, free_port, greenroom, serving, started
from tests.faults.processes import processes

GONE_SECONDS = 20.0
SHOWN = [
    "curl -X POST",
    "curl -X PATCH",
    "If-Match",
    "HTTP 201",
    "HTTP 200",
    "HTTP 403",
    "HTTP 412",
    "invalid_status",
]

ROOM = [
    "a stand-in for GetStream, in a process of its own",
    "nothing leaves this machine",
    "/join",
    '"status": "live"',
    "/attendance",
    '"outcome": "attended"',
    '"state": "processing"',
    '"state": "ready"',
    "# A drop",
]


def database_processes(data_dir: Path) -> list[str]:
    """The processes of this directory's PostgreSQL and of its supervisor."""
    return [one.command for one in processes() if str(data_dir) in one.command]


def await_gone(data_dir: Path) -> None:
    """Return when nothing of the directory's database runs."""
    deadline = time.monotonic() + GONE_SECONDS
    while left := database_processes(data_dir):
        if time.monotonic() > deadline:
            raise AssertionError(f"still there: {left}")
        time.sleep(0.1)


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """A directory that the user `nobody` reaches, as whom PostgreSQL runs when these tests run as root."""
    parent = Path(tempfile.mkdtemp(prefix="greenroom-data-"))
    parent.chmod(0o755)
    try:
        yield parent / "data"
    finally:
        await_gone(parent)
        shutil.rmtree(parent)


@pytest.fixture(scope="module")
def env(data_dir: Path) -> Environment:
    return embedded_environment(data_dir)


@pytest.fixture(scope="module")
def demo(env: Environment) -> Said:
    """A demo without a stand-in, seen to its end."""
    return greenroom("demo", "--once", "--port", str(free_port()), env=env)


@pytest.fixture
def running(env: Environment, tmp_path: Path) -> Iterator[Running]:
    """A `greenroom serve` that was told nothing but where its data is."""
    with serving(env=env, log=tmp_path / "log") as found:
        yield found


def token_of(env: Environment) -> str:
    return greenroom("token", "--user", "host_1", "--brand", "acme", env=env).out.strip()


def create(running: Running, token: str, title: str) -> str:
    """The path of a new session."""
    body = {"host_id": "host_1", "brand_id": "acme", "title": title, "scheduled_at": "2027-03-01T17:00:00Z",
            "max_participants": 5}  # fmt: skip
    response = httpx.post(f"{running.url}/v1/sessions", json=body, headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 201, response.text
    return str(response.headers["location"])


def title_at(running: Running, path: str, token: str) -> str:
    response = httpx.get(f"{running.url}{path}", headers={"Authorization": f"Bearer {token}"})
    return str(response.json().get("title"))


def test_serve_needs_nothing_but_a_directory(running: Running) -> None:
    assert httpx.get(f"{running.url}/readyz").status_code == 200


@pytest.mark.usefixtures("running")
def test_the_secret_keys_are_made_for_their_owner_alone(data_dir: Path) -> None:
    assert stat.S_IMODE((data_dir / "secret_keys").stat().st_mode) == 0o600


@pytest.mark.usefixtures("running")
def test_migrate_finds_nothing_left_to_do(env: Environment) -> None:
    assert greenroom("migrate", env=env).out == "Nothing to apply: the database is up to date.\n"


def test_a_second_serve_on_the_same_directory_shares_the_data(running: Running, env: Environment, tmp_path: Path) -> None:
    token = token_of(env)
    path = create(running, token, "Shared")
    with serving(env=env, log=tmp_path / "second") as second:
        assert title_at(second, path, token) == "Shared"


def test_the_second_goes_on_when_the_first_is_killed(running: Running, env: Environment, tmp_path: Path) -> None:
    token = token_of(env)
    with serving(env=env, log=tmp_path / "second") as second:
        running.process.kill()
        running.process.wait()
        time.sleep(2)  # longer than a supervisor takes to see that its last user is gone
        assert title_at(second, create(second, token, "After"), token) == "After"


def test_nothing_is_left_when_the_last_one_has_stopped(running: Running, data_dir: Path) -> None:
    assert database_processes(data_dir) != []
    running.stop()
    await_gone(data_dir)


def test_nothing_is_left_when_the_last_one_was_killed(running: Running, data_dir: Path) -> None:
    assert database_processes(data_dir) != []
    running.process.kill()
    running.process.wait()
    await_gone(data_dir)


def test_what_was_there_before_a_kill_is_there_after_it(running: Running, env: Environment, tmp_path: Path) -> None:
    token = token_of(env)
    path = create(running, token, "Kept")
    running.process.kill()
    running.process.wait()
    with serving(env=env, log=tmp_path / "next") as after:
        assert title_at(after, path, token) == "Kept"


def test_a_directory_that_is_a_file_is_told_in_one_line() -> None:
    with tempfile.NamedTemporaryFile() as file:
        line = greenroom("serve", "--port", "0", env=embedded_environment(Path(file.name))).only_line()
    assert file.name in line


def test_the_demo_shows_the_main_job_and_a_refusal_at_its_end(demo: Said) -> None:
    assert demo.status == 0, demo
    assert [part for part in SHOWN if part not in demo.out] == []
    assert demo.out.rindex("HTTP 412") > demo.out.rindex("HTTP 200")


def test_the_demo_ends_with_three_links_that_sign_in(demo: Said) -> None:
    links = re.findall(
        r"^(A participant|A second participant|The host) +(http://127\.0\.0\.1:\d+/signin/link\?code=[\w-]{43})$",
        demo.out,
        re.MULTILINE,
    )
    assert [who for who, _ in links] == ["A participant", "A second participant", "The host"]
    assert len({link for _, link in links}) == 3


def test_the_demo_fills_a_room_and_lets_the_line_move(demo: Said) -> None:
    assert "200/200: 50 seats, 150 in line" in demo.out
    won = re.search(r"^50 have a seat, 150 stand in line; the first of them is (person_\d+)\.$", demo.out, re.MULTILINE)
    assert won is not None
    assert re.search(rf"^person_\d+ gives the seat back, and {won[1]} moves up: registered\.$", demo.out, re.MULTILINE)


def test_the_demo_plays_the_room_with_a_stand_in_and_says_so(env: Environment) -> None:
    command = f"{sys.executable} -m tests.providers.fake"
    said = greenroom("demo", "--once", "--port", str(free_port()), "--stand-in", command, env=env)
    assert said.status == 0, said
    place = 0
    for part in ROOM:
        place = said.out.find(part, place)
        assert place >= 0, f"{part} does not come in its turn:\n{said.out}"


def test_the_demo_without_a_stand_in_says_how_to_have_the_room(demo: Said) -> None:
    assert "/join" not in demo.out
    assert "The room was not shown" in demo.out
    assert "GREENROOM_VIDEO_PROVIDER" in demo.out


@pytest.mark.parametrize("command", ["no-such-command", f"{sys.executable} -c pass"])
def test_a_stand_in_that_does_not_start_is_told_in_one_line(env: Environment, command: str) -> None:
    said = greenroom("demo", "--once", "--port", str(free_port()), "--stand-in", command, env=env)
    assert said.status == 1
    assert said.err.startswith("greenroom: --stand-in: ")
    assert len(said.err.splitlines()) == 1


@pytest.mark.usefixtures("demo")
def test_the_demo_run_again_continues_with_the_same_data(env: Environment) -> None:
    said = greenroom("demo", "--once", "--port", str(free_port()), env=env)
    assert "earlier runs" in said.out


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_the_demo_stays_up_until_it_is_stopped_and_its_stand_in_with_it(
    env: Environment, tmp_path: Path, data_dir: Path, sign: signal.Signals
) -> None:
    port, stand_in = free_port(), f"{sys.executable} -m tests.providers.fake --port {free_port()}"
    with started("demo", "--port", str(port), "--stand-in", stand_in, env=env, log=tmp_path / "demo") as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith("Stop it"):
                break
        assert httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
        assert [one for one in processes() if stand_in in one.command]
        demo.send_signal(sign)
        demo.stdout.read()
        assert demo.wait(40) == 0
    assert [one for one in processes() if stand_in in one.command] == []
    await_gone(data_dir)


def test_the_demos_port_in_use_is_told_in_one_line(env: Environment, running: Running) -> None:
    port = running.url.rpartition(":")[2]
    assert port in greenroom("demo", "--once", "--port", port, env=env).only_line()
