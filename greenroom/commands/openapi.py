"""greenroom openapi."""

import sys
from argparse import Namespace

import msgspec


def openapi(_: Namespace) -> int:
    """Print the document as it is kept in docs/openapi.json."""
    from greenroom.app import ROUTES  # noqa: PLC0415  # slow to import, and no other command needs it
    from greenroom.web.document import build_document  # noqa: PLC0415

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(build_document(ROUTES)), indent=2).decode() + "\n")
    return 0
