"""Recordings that hosts' browsers make of builtin rooms: taken in pieces, joined into one file, kept, shown, and deleted."""
