"""Signing in by an identity provider: OpenID Connect."""

from greenroom.kit.http.routing import Performed

ROUTES: list[Performed] = []
