"""A process that holds a lease until its standard input ends: `python -m tests.kit.embedded.user DATA_DIR [fork]`."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from greenroom.kit.embedded import EmbeddedError, Lease


def main() -> None:
    """Say the lease's URLs, or its error, as one line of JSON."""
    try:
        lease = asyncio.run(Lease.take(Path(sys.argv[1])))
    except EmbeddedError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    if sys.argv[2:] == ["fork"] and os.fork() == 0:
        os.closerange(0, 3)
        time.sleep(20)
        os._exit(0)
    print(json.dumps({"service_url": lease.service_url, "owner_url": lease.owner_url}), flush=True)
    sys.stdin.read()
    asyncio.run(lease.close())


if __name__ == "__main__":
    main()
