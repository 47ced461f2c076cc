"""The ceiling: pgbench with our own statement, and nothing around it."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from string import Template

from bench import tools
from bench.contenders import BRAND, CLIENT, USER
from bench.database import BenchDatabase
from bench.load import Run, checked
from bench.seed import SESSIONS
from bench.tools import BenchError

FUNCTION = "update_sessions_v1"

# Every request: a random session, values that none sent before, ids for what it leaves behind.
_SETTINGS = rf"""\set session random(1, {SESSIONS})
\set take random(1, 2000000000)
"""
_CALL = Template("select * from $function($arguments);\n")
_ALWAYS = {
    "p_waits": "true",
    "p_brand_ids": f"array['{BRAND}']",
    "p_ids": "array[('00000000-0000-7000-8000-' || lpad(:session::text, 12, '0'))::uuid]",
    "p_user_ids": f"array['{USER}']",
    "p_client_ids": f"array['{CLIENT}']",
    "p_manages": "array[false]",
    "p_merges": "array[false]",
    "p_request_ids": "array[gen_random_uuid()::text]",
    "p_updated_event_ids": "array[gen_random_uuid()]",
    "p_rescheduled_event_ids": "array[gen_random_uuid()]",
}
# The same turns as load/requests.lua takes.
_TURNS: tuple[dict[str, str], ...] = (
    {"p_max_participants": "array[:take::integer]"},
    {"p_titles": "array['Office hours, take ' || :take]"},
    {"p_scheduled_ats": "array[('2027-01-01T00:00:00Z'::timestamptz + :take * interval '1 second')::text]"},
    {
        "p_max_participants": "array[:take::integer]",
        "p_metadata": """array[jsonb_build_object('topic', 'intake', 'take', :take::bigint, 'tags', '["one", "two"]'::jsonb,
            'room', '{"floor": 2, "quiet": true}'::jsonb)]""",
    },
)


class Ceiling:
    """pgbench on one database, with its scripts in `directory`."""

    name = "pgbench"
    title = "pgbench, the same statement"

    def __init__(self, database: BenchDatabase, directory: Path) -> None:
        self._database = database
        self._scripts = list(_written(database.arguments_of(FUNCTION), directory))

    def measure(self, *, clients: int, warm_up: float, seconds: float) -> Run:
        """Warm up, measure, and check what was left behind. Raises BenchError."""
        self._database.freshen()
        before = self._database.traces()
        warm, _ = self._run(clients=clients, seconds=warm_up)
        done, per_second = self._run(clients=clients, seconds=seconds)
        checked(self.title, before, self._database.traces(), asked=warm + done, unseen=0)
        return run_of(done, per_second, clients=clients)

    def _run(self, *, clients: int, seconds: float) -> tuple[int, float]:
        return driven(self._database, self._scripts, clients=clients, seconds=seconds)


def run_of(done: int, per_second: float, *, clients: int) -> Run:
    """What was measured. Raises BenchError when that is nothing."""
    if not done:
        raise BenchError(f"pgbench got nothing done with {clients} clients: measure for longer")
    mean = clients / per_second * 1000
    return Run(per_second=per_second, requests=done, p50=mean, p99=mean, cpu_us=0.0)


def driven(database: BenchDatabase, scripts: Sequence[Path], *, clients: int, seconds: float) -> tuple[int, float]:
    """Transactions of pgbench's, and how many a second; none at all when connecting took the whole time. Raises BenchError."""
    command = [str(tools.pgbench()), "-h", database.socket_directory, "-U", database.user, "-n", "-M", "prepared"]
    command += ["-c", str(clients), "-j", "1", "-T", str(max(1, round(seconds)))]
    for script in scripts:
        command += ["-f", str(script)]
    environ = {**os.environ, "PGPASSWORD": database.password}
    done = subprocess.run([*command, database.name], env=environ, capture_output=True, text=True, check=False)
    count = re.search(r"transactions actually processed: (\d+)", done.stdout)
    if done.returncode == 0 and count is not None and count[1] == "0":
        return 0, 0.0
    rate = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode != 0 or count is None or rate is None or "failed transactions: 0 " not in done.stdout:
        raise BenchError(f"pgbench failed: {done.stderr.strip()}\n{done.stdout.strip()}")
    return int(count[1]), float(rate[1])


def _written(arguments: list[str], directory: Path) -> list[Path]:
    """A script per turn. Raises BenchError when the statement has an argument that is not known here."""
    known = {*_ALWAYS, *(name for turn in _TURNS for name in turn), "p_expected_versions", "p_kinds"}
    if unknown := set(arguments) - known:
        raise BenchError(f"{FUNCTION} has arguments that bench/ceiling.py does not know: {', '.join(sorted(unknown))}")
    scripts = []
    for number, turn in enumerate(_TURNS):
        given = {name: value for name, value in {**_ALWAYS, **turn}.items() if name in arguments}
        call = ", ".join(f"{name} => {given.get(name, 'null')}" for name in arguments)
        script = directory / f"turn{number}.pgbench"
        script.write_text(_SETTINGS + _CALL.substitute(function=FUNCTION, arguments=" ".join(call.split())))
        scripts.append(script)
    return scripts
