"""Run the fake in a process of its own: it says where it listens, and stops with SIGTERM or Ctrl-C."""

import argparse
import asyncio
import socket
import sys

import uvicorn

from tests.providers.fake.app import CuttingProtocol, Fake


def main() -> None:
    """Until it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m tests.providers.fake", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--webhooks", metavar="URL", help="where Greenroom is: http://127.0.0.1:8000")
    given = parser.parse_args()
    fake = Fake(given.webhooks)
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", given.port))
        listening.listen()  # before it is said: who reads the address may ask at once
        sys.stdout.write(f"Fake: http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        config = uvicorn.Config(fake.app, http=CuttingProtocol, log_level="warning", timeout_graceful_shutdown=1)
        asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))


if __name__ == "__main__":
    main()
