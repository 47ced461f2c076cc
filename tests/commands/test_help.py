"""What a newcomer reads first."""

import json
import subprocess
import sys

import pytest

from greenroom import __version__
from tests.commands.command import Environment, greenroom

HELP = {
    "": ["serve", "worker", "events", "migrate", "token", "openapi", "check", "demo", "start here:", "GREENROOM_"],
    "serve": ["--host", "--port", "--workers", "--migrate", "default: 8000", "GREENROOM_DATABASE_URL"],
    "worker": ["--migrate", "GREENROOM_BACKGROUND"],
    "events": ["tail", "replay"],
    "events tail": ["--session", "--from"],
    "events replay": ["--from", "--sink", "ids"],
    "migrate": ["GREENROOM_DATABASE_OWNER_URL", "Safe to run again"],
    "token": ["--user", "--brand", "--scope", "--expires", "--revoke", "--list", "15m", "read:live", "admin:*"],
    "openapi": ["OpenAPI"],
    "check": ["invariants", "Exit status 1"],
    "demo": ["--once", "curl", "--port", "--stand-in"],
}


@pytest.mark.parametrize("command", HELP)
def test_the_help_of_each_command_says_what_it_does_and_takes(env: Environment, command: str) -> None:
    said = greenroom(*command.split(), "--help", env={**env, "COLUMNS": "200"})
    assert (said.status, said.err) == (0, "")
    assert [word for word in HELP[command] if word not in said.out] == []


def test_help_needs_no_settings_and_no_database(env: Environment) -> None:
    bare = {name: value for name, value in env.items() if not name.startswith("GREENROOM_")}
    assert greenroom("serve", "--help", env={**bare, "GREENROOM_POOL_SIZE": "many"}).status == 0


def test_no_command_at_all_says_which_there_are(env: Environment) -> None:
    said = greenroom(env=env)
    assert said.status == 2
    assert "COMMAND" in said.err


def test_an_unknown_command_is_refused_with_those_there_are(env: Environment) -> None:
    said = greenroom("servee", env=env)
    assert said.status == 2
    assert "serve" in said.err
    assert "Traceback" not in said.err


def test_the_version_is_the_packages(env: Environment) -> None:
    assert greenroom("--version", env=env).out.split() == ["greenroom", __version__]


def test_openapi_prints_a_document_and_nothing_else(env: Environment) -> None:
    said = greenroom("openapi", env=env)
    assert json.loads(said.out)["openapi"].startswith("3.1")
    assert (said.status, said.err) == (0, "")


def test_openapi_is_the_same_every_time(env: Environment) -> None:
    assert greenroom("openapi", env=env).out == greenroom("openapi", env={**env, "PYTHONHASHSEED": "7"}).out


def test_commands_load_no_metrics_and_no_store_before_they_are_needed() -> None:
    """The metrics library reads where workers count together when it is imported: serve says that first."""
    code = "import greenroom.cli, sys; sys.exit(bool({'prometheus_client', 'obstore'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
