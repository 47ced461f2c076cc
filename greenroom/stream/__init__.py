"""The live stream: what happens in a session, to everybody who watches it. docs/decisions/0027."""
