"""Pages for who takes part."""

from greenroom.web.participants import acts, embed, home, recording, room, session

ROUTES = [*home.ROUTES, *session.ROUTES, *acts.ROUTES, *room.ROUTES, *embed.ROUTES, *recording.ROUTES]
