"""Greenroom runs live sessions: schedule, register, open the room, ask, end, keep the recording."""

from importlib.metadata import version

__version__ = version("greenroom")
