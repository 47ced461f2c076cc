"""The peer of the live stream: Starlette and sse-starlette. It is about the fan-out alone; see bench/README.md."""
