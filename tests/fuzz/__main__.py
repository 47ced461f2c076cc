"""`make fuzz`: the same tests with one seed after another, until the time is over or a seed finds something.

Usage: python -m tests.fuzz MINUTES
"""

import os
import secrets
import subprocess
import sys
import time
from typing import Final

from tests.fuzz.budget import EXAMPLES_VARIABLE, SEED_VARIABLE

EXAMPLES_OF_A_ROUND: Final = 80  # a few minutes


def main(minutes: float) -> int:
    """Answers pytest's exit status: 0 when no seed has found anything."""
    end = time.monotonic() + minutes * 60
    rounds = 0
    while rounds == 0 or time.monotonic() < end:
        chosen = {SEED_VARIABLE: str(secrets.randbelow(2**32)), EXAMPLES_VARIABLE: str(EXAMPLES_OF_A_ROUND)}
        again = " ".join(f"{name}={value}" for name, value in chosen.items()) + " make test TESTS=tests/fuzz"
        print(f"round {rounds + 1}: {again}", flush=True)
        command = [sys.executable, "-m", "pytest", "-n", "auto", "tests/fuzz"]
        status = subprocess.run(command, env={**os.environ, **chosen}, check=False).returncode
        if status:
            print(f"To see it again: {again}")
            print("A curl line above repeats one request, with a token of the holder that its test names.")
            return status
        rounds += 1
    print(f"Nothing was found in {rounds} rounds.")
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
