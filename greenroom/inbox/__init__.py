"""What providers of video send us: verified, stored once, and merged with all that is known."""
