"""A setting that cannot be used: one line that names it, and never its value."""

import pytest

from tests.commands.command import Environment, greenroom
from tests.postgres import TestDatabase
from tests.server import SECRET_KEY, environment_of

SECRET = "hunter2-not-to-be-shown"  # noqa: S105
BAD = {
    "GREENROOM_POOL_SIZE": SECRET,
    "GREENROOM_POOL_WAIT_SECONDS": "-1.2345",
    "GREENROOM_STATEMENT_SECONDS": "61.2345",
    "GREENROOM_REQUEST_SECONDS": SECRET,
    "GREENROOM_SHUTDOWN_SECONDS": "1.2345",
    "GREENROOM_RATE_LIMIT_READS": "-12345",
    "GREENROOM_RATE_LIMIT_CLIENTS": SECRET,
    "GREENROOM_LOG_LEVEL": SECRET,
    "GREENROOM_SECRET_KEYS": SECRET,
}
DATABASE_URLS = {
    "no scheme": f"host_1:{SECRET}@localhost/greenroom",
    "another scheme": f"mysql://greenroom:{SECRET}@localhost/greenroom",
    "a port that is none": f"postgresql://greenroom:{SECRET}@localhost:many/greenroom",
}


@pytest.mark.parametrize("variable", BAD)
def test_a_bad_value_is_told_in_one_line_that_names_the_variable_and_not_the_value(env: Environment, variable: str) -> None:
    line = greenroom("check", env={**env, variable: BAD[variable]}).only_line()
    assert variable in line
    assert BAD[variable] not in line


@pytest.mark.parametrize("command", ["serve", "migrate", "check", "token --list", "demo --once"])
def test_every_command_tells_of_a_bad_setting_in_one_line(env: Environment, command: str) -> None:
    line = greenroom(*command.split(), env={**env, "GREENROOM_POOL_SIZE": "0"}).only_line()
    assert "GREENROOM_POOL_SIZE" in line


def test_a_second_key_that_is_too_short_is_refused(env: Environment) -> None:
    line = greenroom("check", env={**env, "GREENROOM_SECRET_KEYS": f"{SECRET_KEY},short"}).only_line()
    assert "GREENROOM_SECRET_KEYS" in line
    assert SECRET_KEY not in line


def test_an_external_database_without_keys_is_refused_with_how_to_make_one(env: Environment) -> None:
    keyless = {name: value for name, value in env.items() if name != "GREENROOM_SECRET_KEYS"}
    line = greenroom("serve", "--port", "0", env=keyless).only_line()
    assert "GREENROOM_SECRET_KEYS" in line
    assert "openssl rand" in line


def test_an_empty_variable_is_one_that_is_not_set(scratch: TestDatabase) -> None:
    assert greenroom("check", env={**environment_of(scratch), "GREENROOM_POOL_SIZE": ""}).status == 0


@pytest.mark.parametrize("kind", DATABASE_URLS)
def test_a_database_url_that_is_none_is_told_in_one_line_without_its_password(env: Environment, kind: str) -> None:
    line = greenroom("serve", "--port", "0", env={**env, "GREENROOM_DATABASE_URL": DATABASE_URLS[kind]}).only_line()
    assert SECRET not in line
    assert "database" in line.lower()
