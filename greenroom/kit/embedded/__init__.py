"""PostgreSQL that runs as long as a process holds a lease on its data directory.

`lease.py` is what a program uses; `supervisor.py` is the process behind it; `cluster.py` is what that process does to the
files and to PostgreSQL. Four flocks are the only truth about who is alive: the kernel drops them with their holder, and
`kill -9` is no exception.

- `users.lock`: shared, by every lease. The supervisor that gets it exclusively knows that the last user is gone.
- `supervisor.lock`: exclusive, by the one supervisor.
- `ready.lock`: exclusive, by the supervisor while PostgreSQL accepts connections.
- `cluster.lock`: exclusive, inherited by every process of PostgreSQL. Free means that not one of them is alive.
"""

from greenroom.kit.embedded.errors import EmbeddedError
from greenroom.kit.embedded.lease import Lease

__all__ = ["EmbeddedError", "Lease"]
