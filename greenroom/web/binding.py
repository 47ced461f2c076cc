"""A page's handler, and where it is found: it is called with the visit and the path's parameters."""

from collections.abc import Awaitable, Callable
from typing import Any

from greenroom.identity.request import CallerRequest
from greenroom.identity.scopes import READ_LIVE
from greenroom.kit.errors import Forbidden
from greenroom.kit.http.answer import Answer
from greenroom.kit.http.routing import Performed
from greenroom.web import forms
from greenroom.web.forms import Form
from greenroom.web.visit import Visit, refuse_unless_writing, visit_of

Shown = Callable[..., Awaitable[Answer]]

SCOPE = "visit"  # where a refusal finds whose page it is


def shows(path: str, *, to_all: bool = False) -> Callable[[Shown], Performed]:
    """Bind a handler to a page that is read. `to_all`: also by who is signed in without the right to read, to sign in anew."""

    def bound(handler: Shown) -> Performed:
        async def answered(request: CallerRequest, **parameters: Any) -> Answer:
            visit = await _begun(request, Form({}))
            if not to_all and visit.known is not None and READ_LIVE not in visit.known.scopes:
                raise Forbidden("You are signed in without the right to read.")
            visit.count("reads")
            return await handler(visit, **parameters)

        return Performed(method="GET", path=path, handler=answered, operation=None)

    return bound


def does(path: str, *, signed_out: bool = False) -> Callable[[Shown], Performed]:
    """Bind a handler to a form that is sent, by somebody who is signed in unless said otherwise.

    Before it: from a page of ours (403), signed in (401), counted (429), may write (403), the body (413, 415, 400), and the
    form's own proof that this person was shown it (403).
    """

    def bound(handler: Shown) -> Performed:
        async def answered(request: CallerRequest, **parameters: Any) -> Answer:
            forms.refuse_others_pages(request)
            visit = await _begun(request, Form({}))
            if not signed_out:
                visit.count("writes")
                refuse_unless_writing(visit.caller)
            visit.form = await forms.form_in(request)
            if not visit.there.seals.holds(visit.form.text(forms.CSRF), visit.known):
                raise Forbidden("This form was shown to somebody else, or before you signed in; load the page again.")
            return await handler(visit, **parameters)

        return Performed(method="POST", path=path, handler=answered, operation=None)

    return bound


def takes(path: str) -> Callable[[Shown], Performed]:
    """Bind a handler to octets that a module of ours sends by PUT; a header holds the form's proof.

    They are not read yet: the handler asks first whether they are wanted.

    They count against no limit but the address's: a browser that was cut off has many of them to bring at once, and its
    person's own acts are not to wait for that.
    """

    def bound(handler: Shown) -> Performed:
        async def answered(request: CallerRequest, **parameters: Any) -> Answer:
            forms.refuse_others_pages(request)
            visit = await _begun(request, Form({}))
            refuse_unless_writing(visit.caller)
            if not visit.there.seals.holds(request.header(forms.PROOF) or "", visit.known):
                raise Forbidden("This was sent by a page that somebody else was shown; load the page again.")
            return await handler(visit, **parameters)

        return Performed(method="PUT", path=path, handler=answered, operation=None)

    return bound


async def _begun(request: CallerRequest, form: Form) -> Visit:
    visit = await visit_of(request, form=form)
    request.scope[SCOPE] = visit
    return visit
