"""Expand and contract: the previous release's process goes on working on today's schema, beside today's process."""
