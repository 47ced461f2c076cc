"""What one hosts, and scheduling another."""

from greenroom.kit.http.routing import Performed

ROUTES: list[Performed] = []
