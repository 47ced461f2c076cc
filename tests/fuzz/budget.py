"""How much is tried, and with which seed. `make test` tries the same few every time; `make fuzz` others, for an hour.

GREENROOM_FUZZ_SEED and GREENROOM_FUZZ_EXAMPLES change it: a failure of `make fuzz` is repeated with the seed it printed.
"""

import os
from typing import Final

SEED_VARIABLE: Final = "GREENROOM_FUZZ_SEED"
EXAMPLES_VARIABLE: Final = "GREENROOM_FUZZ_EXAMPLES"

SEED: Final = int(os.environ.get(SEED_VARIABLE, "20261123"))
EXAMPLES: Final = int(os.environ.get(EXAMPLES_VARIABLE, "16"))  # of an operation and a holder
WALKS: Final = EXAMPLES // 2  # of a holder
STEPS: Final = 40  # of a walk along the links, at most: long enough to open a session and to end it
