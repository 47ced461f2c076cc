"""GetStream and LiveKit, as far as Greenroom asks them: an HTTP server that is driven by a test, or by the demo.

`python -m tests.providers.fake --port 9000 --webhooks http://127.0.0.1:8000` runs it; tests have `fake_provider.py` for it.

It is spoken to by the official packages, and checks each request's key, signature and grants as the real ones do:

    /api/v2/...     GetStream: JSON, times in nanoseconds, errors with code, message and StatusCode
    /twirp/...      LiveKit: Twirp, that is protobuf, errors in JSON; needs the package livekit-protocol
    /_fake/...      who plays the people, and decides what goes wrong: JSON, see `control`

What happens in a call is told by webhooks to `<webhooks>/webhooks/stream` and `.../livekit`, signed as the real ones are,
with names and pictures of people in them as there are in the real ones; a URL of one's own can be set for each. A webhook that
is not answered with 2xx is sent again. On demand webhooks are lost, doubled, delayed, held back and told in another order.

What it cannot show: media, permissions by role, and whatever the real ones do that their packages do not tell.
"""
