"""Who asks: nobody, and a holder of each scope."""

from datetime import timedelta
from typing import Final

from msgspec import Struct

from greenroom.identity.scopes import ADMIN_ALL, MANAGE_LIVE, SCOPES
from greenroom.identity.tokens import Signer, new_grant
from greenroom.kit.ids import BrandId, ClientId, UserId
from tests.fuzz.budget import IS_THOROUGH
from tests.server import SECRET_KEY

USER: Final = UserId("host_1")


class Holder(Struct, frozen=True, kw_only=True):
    """Somebody with a token, or without."""

    name: str
    scope: str | None
    names_brand: bool = True
    user: UserId = USER

    def __str__(self) -> str:
        return self.name

    def headers(self, brand: BrandId) -> dict[str, str]:
        """What says who it is; the token is good for longer than any run."""
        if self.scope is None:
            return {}
        grant = new_grant(
            user=self.user,
            brand=brand if self.names_brand else None,
            scope=self.scope,
            client=ClientId("fuzz"),
            lifetime=timedelta(days=1),
        )
        return {"Authorization": f"Bearer {Signer([SECRET_KEY]).sign(grant)}"}


HOLDERS: Final = (
    Holder(name="nobody", scope=None),
    *(Holder(name=scope, scope=scope) for scope in SCOPES),
    Holder(name=f"{ADMIN_ALL} without a brand", scope=ADMIN_ALL, names_brand=False),
)

# Who takes turns in asking: each alone, or whom no scope and no brand stops, and then all others.
TURNS: Final = tuple((holder,) for holder in HOLDERS) if IS_THOROUGH else (HOLDERS[-1:], HOLDERS[:-1])

# Those who make what the holders are then let at.
MAKER: Final = Holder(name="the maker", scope=MANAGE_LIVE)
ANOTHER_HOST: Final = Holder(name="another host", scope=MANAGE_LIVE, user=UserId("host_2"))
