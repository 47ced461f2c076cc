"""Who has registered, who waits, who was removed."""

from greenroom.kit.http.routing import Performed

ROUTES: list[Performed] = []
