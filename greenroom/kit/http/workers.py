"""Several workers behind one socket: uvicorn's supervisor, which replaces those that die."""

from uvicorn.supervisors import Multiprocess


class Workers(Multiprocess):
    """Lets go of the socket when it stops: else the kernel takes connections that nobody will answer."""

    def terminate_all(self) -> None:
        """Close the parent's own socket, then ask each worker to finish."""
        for bound in self.sockets:
            bound.close()
        super().terminate_all()
