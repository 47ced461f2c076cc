"""Who carries picture, sound and chat: a Protocol for each, and the providers that keep it."""
