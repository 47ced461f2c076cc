"""The rules of the house that no ready-made linter knows. Each is run by `make lint` and has tests in tests/tools."""
