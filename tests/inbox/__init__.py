"""Webhooks that come in: who may send them, and that each counts once."""
