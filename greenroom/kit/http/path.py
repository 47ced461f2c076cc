"""What stands in a path, as it was sent."""

from urllib.parse import unquote_to_bytes

from greenroom.kit.errors import ValidationFailed
from greenroom.kit.http.request import ApiRequest


def refuse_unless_sent(request: ApiRequest, user_id: str) -> None:
    """Octets that are no UTF-8 reach us as U+FFFD, a line break at the end not at all: that would be somebody else's id.

    Raises ValidationFailed.
    """
    if not unquote_to_bytes(request.scope["raw_path"]).endswith(b"/" + user_id.encode()):
        raise ValidationFailed("user_id: expected percent-encoded UTF-8 without line breaks.")
