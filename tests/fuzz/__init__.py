"""Schemathesis drives the whole document: every operation, with a token of each scope and none, and along the links."""
