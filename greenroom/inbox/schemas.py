"""The wire of webhooks that come in. Source: contract, /webhooks/stream."""

from typing import Annotated

from msgspec import Meta, Struct


class ProviderWebhook(Struct, frozen=True, kw_only=True):
    """An event of the provider's, in the provider's own form."""


class Received(Struct, frozen=True, kw_only=True):
    """The webhook is stored."""

    received: Annotated[bool, Meta(extra_json_schema={"enum": [True]})]
