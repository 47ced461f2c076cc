"""One session of a host: its edit, its start and end, its seats and line."""

from greenroom.kit.http.routing import Performed

ROUTES: list[Performed] = []
