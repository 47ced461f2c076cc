"""The call of a session, or one of its own: who is let in, what the provider tells of it, and that it comes to its end."""
