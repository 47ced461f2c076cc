"""The moderation queue."""

from greenroom.kit.http.routing import Performed

ROUTES: list[Performed] = []
