"""A session as who takes part sees it."""

from greenroom.kit.http.routing import Performed

ROUTES: list[Performed] = []
