"""The settings of identity: what must be there, and which addresses are taken."""

import pytest

from greenroom.setting_rules import load_settings
from greenroom.settings import SettingsError

SECRET = "hunter2-not-to-be-shown"  # noqa: S105
INTROSPECTION = {
    "GREENROOM_INTROSPECTION_URL": "https://id.example/introspect",
    "GREENROOM_INTROSPECTION_CLIENT_ID": "greenroom",
    "GREENROOM_INTROSPECTION_CLIENT_SECRET": SECRET,
}
JWT = {"GREENROOM_JWT_ISSUER": "https://id.example/", "GREENROOM_JWT_AUDIENCE": "urn:greenroom"}
ALL = {**INTROSPECTION, **JWT, "GREENROOM_IDENTITY": "local, introspection, jwt"}


def refusal(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as refused:
        load_settings(environ)
    [line] = str(refused.value).splitlines()
    return line


def test_local_is_the_default() -> None:
    assert load_settings({}).identity == ("local",)


def test_several_sources_are_named_by_comma() -> None:
    assert load_settings(ALL).identity == ("local", "introspection", "jwt")


@pytest.mark.parametrize("missing", [*INTROSPECTION, *JWT])
@pytest.mark.parametrize("empty", [True, False])
def test_what_a_source_lacks_is_named_and_no_secret_is(missing: str, empty: bool) -> None:
    environ = {**ALL, missing: ""} if empty else {name: value for name, value in ALL.items() if name != missing}
    line = refusal(environ)
    assert line.startswith(f"{missing} is required")
    assert SECRET not in line


@pytest.mark.parametrize("source", ["introspection", "jwt"])
def test_a_source_that_is_not_asked_lacks_nothing(source: str) -> None:
    given = INTROSPECTION if source == "introspection" else JWT
    assert load_settings({**given, "GREENROOM_IDENTITY": source}).identity == (source,)


@pytest.mark.parametrize("sources", ["oauth", "local,oauth", ",", "LOCAL"])
def test_a_source_that_nobody_knows_is_refused(sources: str) -> None:
    assert refusal({"GREENROOM_IDENTITY": sources}).startswith("GREENROOM_IDENTITY: expected")


@pytest.mark.parametrize("variable", ["GREENROOM_INTROSPECTION_URL", "GREENROOM_JWT_ISSUER", "GREENROOM_JWT_JWKS_URL"])
@pytest.mark.parametrize("address", [
    "http://id.example/x", "http://10.0.0.1/x", "http://localhost.example/x", "http://127.0.0.1.example/x", "http://[::2]/x",
    "ftp://id.example/x", "file:///etc/passwd", "//id.example/x", "id.example", f"https://me:{SECRET}@id.example/x",
    "https:///x", "https://id.example:port/x", "https://id.example:0/x", "https://id.example:99999/x", "https://id.example/#x",
    "https://id.example/\\x", "https://id.example/ x", "https://id.example/\u00e9", "http://localhost\\.example/", "https://[id/x",
    "http://127.0.0.1@id.example/", "https://id.example/\n",
])  # fmt: skip
def test_an_address_on_which_others_could_listen_is_refused(variable: str, address: str) -> None:
    line = refusal({**ALL, variable: address})
    assert line == f"{variable}: expected an address with https, or with http on localhost."


@pytest.mark.parametrize("variable", ["GREENROOM_INTROSPECTION_URL", "GREENROOM_JWT_ISSUER", "GREENROOM_JWT_JWKS_URL"])
@pytest.mark.parametrize("address", [
    "https://id.example", "https://id.example:8443/realms/x", "http://localhost:8080/x", "http://127.0.0.1:9000",
    "http://[::1]:9000/x", "HTTPS://ID.example/",
])  # fmt: skip
def test_https_and_this_machine_are_taken(variable: str, address: str) -> None:
    load_settings({**ALL, variable: address})


def test_an_issuer_has_no_query() -> None:
    assert refusal({**ALL, "GREENROOM_JWT_ISSUER": "https://id.example/?tenant=x"}).startswith("GREENROOM_JWT_ISSUER: ")


@pytest.mark.parametrize(("variable", "value"), [
    ("GREENROOM_IDENTITY_SECONDS", "0"), ("GREENROOM_IDENTITY_SECONDS", "31"), ("GREENROOM_INTROSPECTION_CACHE_SECONDS", "61"),
    ("GREENROOM_INTROSPECTION_CACHE_SECONDS", "-1"), ("GREENROOM_JWT_TYPES", ","), ("GREENROOM_IDENTITY_SCOPE_CLAIMS", ","),
    ("GREENROOM_IDENTITY_CLIENT_CLAIM", " , "),
])  # fmt: skip
def test_a_value_out_of_bounds_is_refused(variable: str, value: str) -> None:
    assert refusal({**ALL, variable: value}).startswith(f"{variable}: ")


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"GREENROOM_OIDC_ISSUER": "https://id.example"}, "GREENROOM_OIDC_CLIENT_ID is required with GREENROOM_OIDC_ISSUER."),
        ({"GREENROOM_OIDC_CLIENT_ID": "x"}, "GREENROOM_OIDC_ISSUER is required with GREENROOM_OIDC_CLIENT_ID."),
        ({"GREENROOM_OIDC_CLIENT_SECRET": SECRET}, "GREENROOM_OIDC_ISSUER is required with GREENROOM_OIDC_CLIENT_SECRET."),
        ({"GREENROOM_OIDC_BRAND": "acme"}, "GREENROOM_OIDC_ISSUER is required with GREENROOM_OIDC_BRAND."),
        ({"GREENROOM_OIDC_ISSUER": "http://id.example", "GREENROOM_OIDC_CLIENT_ID": "x"}, "GREENROOM_OIDC_ISSUER: expected an"),
        ({"GREENROOM_OIDC_SCOPE": "profile"}, "GREENROOM_OIDC_SCOPE: expected"),
        ({"GREENROOM_OIDC_LIVE_SCOPE": "write:live"}, "GREENROOM_OIDC_LIVE_SCOPE: expected"),
        ({"GREENROOM_OIDC_LIVE_SCOPE": "read:live unheard:of"}, "GREENROOM_OIDC_LIVE_SCOPE: expected"),
    ],
)
def test_half_a_way_to_sign_in_is_refused_in_a_line(environ: dict[str, str], told: str) -> None:
    assert refusal(environ).startswith(told)
