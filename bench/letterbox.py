"""A mail server as light as it can be: it takes everything, keeps who got how much, and says so when asked (XSTATE).

`python -m bench.letterbox` prints its port and runs until it is stopped.
"""

import asyncio
import time
from collections import Counter

END_OF_DATA = b"\r\n.\r\n"


class Letterbox:
    """How many mails came for whom, and when the last one did (seconds since 1970)."""

    def __init__(self) -> None:
        self.came: Counter[bytes] = Counter()
        self.last = 0.0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection (RFC 5321, as far as one client of ours goes)."""
        writer.write(b"220 letterbox\r\n")
        recipient = b""
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(END_OF_DATA)
                self.came[recipient] += 1
                self.last = time.time()
            elif verb == b"RCPT":
                recipient = line[8:].strip()
            elif verb == b"XSTA":
                total, most = self.came.total(), max(self.came.values(), default=0)
                writer.write(f"250 {total} {len(self.came)} {most} {self.last}\r\n".encode())
                continue
            elif verb == b"QUIT":
                break
            writer.write(b"250 OK\r\n")
        writer.close()


async def main() -> None:
    """Listen on a free port."""
    server = await asyncio.start_server(Letterbox().take, "127.0.0.1", 0, limit=1_000_000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
