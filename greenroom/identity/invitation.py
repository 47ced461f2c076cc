"""Whom a browser is signed in as."""

from msgspec import Struct

from greenroom.kit.ids import BrandId, UserId


class Invitation(Struct, frozen=True):
    """Who, with which scopes, and where the browser is led to then: a path of ours."""

    brand: BrandId
    user: UserId
    scope: str
    leads_to: str
    email: str | None = None
    time_zone: str | None = None
