"""How a bucket is named in the settings; they are read before anything else is loaded."""

import re
from typing import Final

BUCKET: Final = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,62})(?:/(?P<prefix>[A-Za-z0-9._/-]*))?")
