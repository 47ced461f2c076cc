"""A session's card in another site's frame: for anybody, because a browser sends no cookies there."""

from greenroom.kit.errors import NotFound
from greenroom.kit.http.answer import Answer
from greenroom.sessions import service
from greenroom.sessions.service import Sessions
from greenroom.web.binding import shows
from greenroom.web.participants.titles import headline
from greenroom.web.rendering import Allowed
from greenroom.web.visit import Visit, anybody


@shows("/embed/s/{id}")
async def embedded(visit: Visit, id: str) -> Answer:
    """The card, where the operator has named sites that may show it. Raises NotFound."""
    if not visit.there.embed_origins:
        raise NotFound
    found = await service.get(visit.service("sessions", Sessions), anybody(None), id)
    allowed = Allowed(framed_by=visit.there.embed_origins)
    return visit.page("embed.html", allowed=allowed, session=found.session, headline=headline)


ROUTES = [embedded]
