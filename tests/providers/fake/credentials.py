"""What the fake takes for keys and secrets: the first of each signs, the others are on their way out."""

GETSTREAM_KEY = "fake-getstream-key"
GETSTREAM_SECRETS = ("fake-getstream-secret-which-signs", "fake-getstream-secret-of-before-01")
LIVEKIT_KEYS = ("APIfakewhichsigns", "APIfakeofbefore")
LIVEKIT_SECRETS = ("fake-livekit-secret-which-signs-01", "fake-livekit-secret-of-before-0002")
