"""uvicorn's server and its supervisor of several workers, as stopping asks for them."""

from socket import socket

from uvicorn import Config, Server
from uvicorn.supervisors import Multiprocess

from greenroom.kit.serving import StopRequest


class PromptServer(Server):
    """Stops also when it was asked to before it listened for signals itself."""

    def __init__(self, config: Config, asked: StopRequest) -> None:
        super().__init__(config)
        self._asked = asked

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Start, unless that is no longer wanted."""
        await super().startup(sockets)
        self.should_exit = self.should_exit or self._asked.noted


class Workers(Multiprocess):
    """Lets go of the socket when it stops: else the kernel takes connections that nobody will answer."""

    def terminate_all(self) -> None:
        """Close the parent's own socket, then ask each worker to finish."""
        for bound in self.sockets:
            bound.close()
        super().terminate_all()
