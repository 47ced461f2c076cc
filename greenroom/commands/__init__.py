"""What the command line does, a module per command."""

from greenroom.commands import events
from greenroom.commands.check import check
from greenroom.commands.demo import demo
from greenroom.commands.errors import CommandError
from greenroom.commands.migrate import migrate
from greenroom.commands.openapi import openapi
from greenroom.commands.serve import serve
from greenroom.commands.token import token
from greenroom.commands.worker import worker

__all__ = ["CommandError", "check", "demo", "events", "migrate", "openapi", "serve", "token", "worker"]
