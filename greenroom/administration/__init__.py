"""A brand's administration: every session, with what only administrators see and change."""
