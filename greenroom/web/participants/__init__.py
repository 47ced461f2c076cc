"""Pages for who takes part."""

from greenroom.web.participants import acts, embed, home, recording, session

ROUTES = [*home.ROUTES, *session.ROUTES, *acts.ROUTES, *embed.ROUTES, *recording.ROUTES]
