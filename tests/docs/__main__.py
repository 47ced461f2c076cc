"""python -m tests.docs: write the parts of the documentation that are made from the code."""

from tests.docs.generated import PARTS, write

for name in PARTS:
    write(name)
