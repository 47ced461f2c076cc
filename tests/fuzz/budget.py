"""How much is tried, and with which seed. `make test` tries the same few every time; `make fuzz` others, for an hour.

An operation's schema has some hundred boundary values, the same for every holder. `make fuzz` lets every holder ask for each of
them; `make test` the one who gets furthest, and one of the others, who is another from value to value.

GREENROOM_FUZZ_SEED and GREENROOM_FUZZ_EXAMPLES change it: a failure of `make fuzz` is repeated with the seed it printed.
"""

import os
from typing import Final

SEED_VARIABLE: Final = "GREENROOM_FUZZ_SEED"
EXAMPLES_VARIABLE: Final = "GREENROOM_FUZZ_EXAMPLES"

SEED: Final = int(os.environ.get(SEED_VARIABLE, "20261123"))
IS_THOROUGH: Final = EXAMPLES_VARIABLE in os.environ
EXAMPLES: Final = int(os.environ.get(EXAMPLES_VARIABLE, "24"))  # of an operation and those who take turns in asking for it
WALKS: Final = EXAMPLES // 2 if IS_THOROUGH else 4  # of a holder
STEPS: Final = 40  # of a walk along the links, at most: long enough to open a session and to end it
