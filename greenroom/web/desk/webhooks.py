"""A brand's webhooks and their deliveries."""

from greenroom.kit.http.routing import Performed

ROUTES: list[Performed] = []
