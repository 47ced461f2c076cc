"""Webhooks out: endpoints that tenants name, what is delivered to each, and who sends it."""
