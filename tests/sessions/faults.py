"""Every way to fill a field of a session badly: the field, and JSON text that its schema refuses."""

from tests.wire import SENTINEL

NUL = f'"{SENTINEL}\\u0000"'
LONE_SURROGATE = f'"{SENTINEL}\\ud800"'
TRAILING_SURROGATE = f'"\\udc00{SENTINEL}"'
ENCODED_SURROGATE = f'"{SENTINEL}\ud800"'  # in UTF-8 octets, which UTF-8 does not allow
WRONG_TEXTS = [
    "null", "5", "true", "[]", f'{{"a":"{SENTINEL}"}}', '""', NUL, LONE_SURROGATE, TRAILING_SURROGATE, ENCODED_SURROGATE,
]  # fmt: skip


def nested(levels: int, *, arrays: bool = False) -> str:
    """An object of so many levels."""
    inner = levels - 1
    return '{"a":' + ("[" * inner + "]" * inner if arrays else '{"a":' * inner + "1" + "}" * inner) + "}"


def text(length: int) -> str:
    """A JSON string of so many characters."""
    return f'"{(SENTINEL * (length // len(SENTINEL) + 1))[:length]}"'


TIMES = [
    "2027-03-01T17:00:00",  # naive
    "2027-03-01",
    "2027-03-01T25:00:00Z",
    "2027-03-01T24:00:00Z",
    "2027-03-01T17:60:00Z",
    "2027-03-01T23:59:60Z",
    "2027-02-29T17:00:00Z",
    "2027-13-01T17:00:00Z",
    "2027-00-01T17:00:00Z",
    "2027-03-01T17:00Z",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "+10000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    "9999-12-31T23:59-14:00",
    "9999-12-31T23:59:00-14:00",  # the year 10000 of UTC
    "0001-01-01T00:00:00+14:00",  # the year 0 of UTC
    "2027-03-01T17:00:00+0100",
    "2027-03-01T17:00:00+01",
    "2027-03-01T17:00:00+24:00",
    "2027-03-01T17:00:00+01:60",
    "2027-03-01T17:00:00 Z",
    "2027-03-01T17:00:00,5Z",
    "2027-03-01T17:00:00.Z",
    "2027-W09-1T17:00:00Z",
    "20270301T170000Z",
    " 2027-03-01T17:00:00Z",
    "2027-03-01T17:00:00Z\\n",
    "2027-03-01T17:00:00Z\\u0000",
    "\\uff12027-03-01T17:00:00Z",
    "1803920400",
]

FAULTS: dict[str, list[str]] = {
    "title": [*WRONG_TEXTS, text(10_001)],
    "kind": [*WRONG_TEXTS, text(10_001), '"LIVE"', '"live "', '"Office_Hours"'],
    "scheduled_at": [*WRONG_TEXTS, text(10_001), *(f'"{time}"' for time in TIMES)],
    "max_participants": [
        "null", "0", "-1", "1.5", "1e999", "-1e999", "1e400", "2147483648", "2147483647.5", "1e10", "0.5", "-0.0",
        "9223372036854775808", "-9223372036854775809", '"5"', f'"{SENTINEL}"', "true", "false", "[]", "[5]", "{}",
    ],
    "metadata": [
        "null", "5", "true", "[]", f'["{SENTINEL}"]', f'"{SENTINEL}"', '""',
        f'{{"a":{text(17 * 1024)}}}',
        nested(65), nested(65, arrays=True), nested(10_000), nested(10_000, arrays=True),
        '{"a":1e400}', '{"a":[{"b":-1e400}]}',
        f'{{"a":{NUL}}}', f"{{{NUL}:1}}", f'{{"a":[{{"b":{NUL}}}]}}',
        f'{{"a":{LONE_SURROGATE}}}', f"{{{LONE_SURROGATE}:1}}", f'{{"a":{ENCODED_SURROGATE}}}',
        '{"a":[' + ",".join(["1e308"] * 60) + "]}",  # 18,000 digits when they are stored
        '{"a":1e-16000,"b":1e-16000}',
        '{"a":1e-20000}',
    ],
}  # fmt: skip

CREATE_FAULTS: dict[str, list[str]] = {
    "host_id": [*WRONG_TEXTS, text(201)],
    "brand_id": [*WRONG_TEXTS, text(201)],
    **FAULTS,
}


def pairs(faults: dict[str, list[str]]) -> list[tuple[str, str]]:
    """One fault at a time."""
    return [(field, fault) for field, found in faults.items() for fault in found]


def named(fault: object) -> str:
    """A short name of a fault in the list of tests."""
    short = str(fault).encode("ascii", "backslashreplace").decode()
    return short if len(short) < 50 else f"{short[:40]}..({len(short)})"
