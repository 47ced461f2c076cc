"""The room: who is let in, what the provider tells, and how it ends; against a fake of both, by their own packages."""
