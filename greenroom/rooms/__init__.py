"""Rooms: calls that browsers carry among themselves. Greenroom lets in, relays their signalling, and notes who was there."""
