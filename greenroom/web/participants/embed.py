"""A session's card in another site's frame."""

from greenroom.kit.http.routing import Performed

ROUTES: list[Performed] = []
