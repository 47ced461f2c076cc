"""The command line: greenroom serve | worker | events | migrate | token | check | openapi | demo."""

import argparse
import sys
from collections.abc import Sequence

from greenroom import __version__, commands
from greenroom.commands import CommandError

DESCRIPTION = """Greenroom runs live sessions: schedule, register, open the room, ask, end, keep the recording.

start here:
  greenroom serve     everything, with a PostgreSQL of its own
  greenroom token --user host_1 --brand acme --scope "read:live write:live"
  greenroom demo      a session made and changed before your eyes

Settings are environment variables that begin with GREENROOM_; docs/settings.md lists them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit status: 0 it did what was asked, 1 it could not, 2 the usage was wrong."""
    chosen = _parser().parse_args(arguments)
    try:
        return int(chosen.run(chosen))
    except CommandError as error:
        print(f"greenroom: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="greenroom", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"greenroom {__version__}")
    known = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    serve = _command(
        known,
        "serve",
        commands.serve,
        "run the service",
        "Runs the HTTP service until it is stopped (Ctrl-C or SIGTERM); requests under way are finished first. Without "
        "GREENROOM_DATABASE_URL it starts a PostgreSQL of its own in GREENROOM_DATA_DIR and migrates it by itself.",
    )
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    serve.add_argument(
        "--port", type=int, default=8000, help="the port to listen on; 0 takes a free one (default: %(default)s)"
    )
    serve.add_argument("--workers", type=int, default=1, help="how many processes serve (default: %(default)s)")
    serve.add_argument(
        "--migrate", action="store_true", help="apply pending migrations first; safe when many replicas start at once"
    )

    worker = _command(
        known,
        "worker",
        commands.worker,
        "tell events and fire timers",
        "Tells events and fires timers until it is stopped, in a process of its own; run as many as you like. `serve` does the "
        "same beside requests unless GREENROOM_BACKGROUND=off.",
    )
    worker.add_argument(
        "--migrate", action="store_true", help="apply pending migrations first; safe when many replicas start at once"
    )

    _events(known)

    _command(
        known,
        "migrate",
        commands.migrate,
        "bring the database's schema up to date",
        "Applies pending migrations as the role of GREENROOM_DATABASE_OWNER_URL and grants the role of "
        "GREENROOM_DATABASE_URL what the service needs. Safe to run again, and from many places at once.",
    )

    token = _command(
        known,
        "token",
        commands.token,
        "mint, list and revoke tokens",
        "Prints a token and nothing else, so that TOKEN=$(greenroom token ...) works. A token is shown once and kept "
        "nowhere; --list and --revoke know it by its id.",
    )
    token.add_argument("--user", help="who the token speaks for")
    token.add_argument("--brand", help="the brand it acts in; only admin:* may go without")
    token.add_argument(
        "--scope",
        default="read:live write:live",
        help="what it allows, separated by spaces: read:live, write:live, manage:live, admin:live, admin:* "
        "(default: %(default)s)",
    )
    token.add_argument("--email", help="where the user is reached, for mail about sessions they register for")
    token.add_argument("--time-zone", help="the user's, such as Europe/Berlin")
    token.add_argument("--client", default="local", help="the program that will use it (default: %(default)s)")
    token.add_argument("--expires", default="30d", help="its lifetime: 15m, 12h, 30d (default: %(default)s)")
    token.add_argument("--link", action="store_true", help="print a link that signs a browser in, once, within 10 minutes")
    token.add_argument("--leads-to", default="/", metavar="PATH", help="where the link leads then (default: %(default)s)")
    token.add_argument(
        "--at", metavar="URL", help="where pages are (default: GREENROOM_PUBLIC_URL, else http://127.0.0.1:8000)"
    )
    token.add_argument("--list", action="store_true", help="list the tokens that have not expired")
    token.add_argument("--revoke", metavar="TOKEN_OR_ID", help="refuse this token from now on (seen within 5 s)")

    _command(
        known,
        "check",
        commands.check,
        "check that the data keeps its promises",
        "Runs the invariants as SQL and prints what it found. Exit status 1 when one is broken.",
    )
    _command(known, "openapi", commands.openapi, "print the OpenAPI document", "Prints the OpenAPI 3.1 document as JSON.")

    demo = _command(
        known,
        "demo",
        commands.demo,
        "show the main job, then stay up",
        "Starts everything, makes a session over HTTP, changes it, shows each request as a curl line with its answer, "
        "then stays up. Run again, it continues with the same data.",
    )
    demo.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    demo.add_argument("--port", type=int, default=8000, help="the port to listen on (default: %(default)s)")
    demo.add_argument(
        "--stand-in",
        metavar="COMMAND",
        help="starts a stand-in for GetStream, such as the repository's, for the room; without one the room is not shown",
    )
    demo.add_argument("--once", action="store_true", help="stop after the last request")
    return parser


def _events(known: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    events = known.add_parser(
        "events", help="follow events, or tell them again", description="Follow events as they come, or tell them again."
    )
    acts = events.add_subparsers(title="commands", metavar="COMMAND", required=True)
    tail = _command(
        acts,
        "tail",
        commands.events.tail,
        "print events as they come",
        "Prints events of every brand as they come, a JSON object a line, until it is stopped.",
    )
    tail.add_argument("--session", metavar="ID", help="only events of this session")
    tail.add_argument(
        "--from",
        dest="first",
        metavar="POSITION",
        type=int,
        help="begin with this one, if it is still kept (default: with the next)",
    )
    replay = _command(
        acts,
        "replay",
        commands.events.replay,
        "let a sink tell again",
        "Lets a sink tell again from a position on. The events have the ids that they had, by which consumers know them.",
    )
    replay.add_argument(
        "--from", dest="first", metavar="POSITION", type=int, required=True, help="the first that is told again"
    )
    replay.add_argument("--sink", default="nats", help="which sink (default: %(default)s)")


def _command(
    known: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: object,
    short: str,
    long: str,
) -> argparse.ArgumentParser:
    command = known.add_parser(name, help=short, description=long)
    command.set_defaults(run=run)
    return command


if __name__ == "__main__":
    sys.exit(main())
