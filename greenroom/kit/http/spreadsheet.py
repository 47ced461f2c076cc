"""Lists as CSV (RFC 4180), for spreadsheets, which must run nothing of what people are called."""

import csv
import io
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

CSV = "text/csv"
CSV_TYPE = f"{CSV}; charset=utf-8"

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n")


def asks_for_csv(accept: str | None) -> bool:
    """Whether the Accept header wants CSV more than JSON (RFC 9110, section 12.5.1)."""
    wanted: dict[str, float] = {}
    for media_range in (accept or "").lower().split(","):
        name, *parameters = (part.strip() for part in media_range.split(";"))
        wanted[name] = next((_quality(one) for one in parameters if one.startswith("q=")), 1.0)
    json = next((wanted[name] for name in ("application/json", "application/*", "*/*") if name in wanted), 0.0)
    return wanted.get(CSV, 0.0) > 0 and wanted[CSV] >= json


def csv_headers(file: str) -> list[tuple[bytes, bytes]]:
    """What says that the answer is CSV, to be kept as a file of this name."""
    disposition = f'attachment; filename="{file}"'
    return [(b"content-type", CSV_TYPE.encode()), (b"content-disposition", disposition.encode())]


def csv_head(row: type[Struct]) -> bytes:
    """The line that names the columns."""
    return _lines([row.__struct_fields__])


def csv_lines(rows: Iterable[Struct]) -> bytes:
    """A line for each; what a spreadsheet would run as a formula begins with an apostrophe."""
    return _lines(_cells(row) for row in rows)


def _quality(parameter: str) -> float:
    try:
        return float(parameter.removeprefix("q="))
    except ValueError:
        return 0.0


def _lines(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cells(row: Struct) -> Iterator[str]:
    for value in msgspec.structs.astuple(row):
        text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        yield f"'{text}" if text.startswith(FORMULA_BEGINS) else text
