"""Who was there."""

from greenroom.kit.http.routing import Performed

ROUTES: list[Performed] = []
