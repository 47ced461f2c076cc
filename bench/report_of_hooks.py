"""What came out of webhooks out, against their bars."""

from collections.abc import Iterator
from statistics import median

from bench.hooks import DEAD, ENDPOINTS, EVENTS_A_SECOND, SLOW, SLOW_SECONDS, Hooks
from bench.rounds import Spread, spread
from bench.verdict import Verdict, at_most

IDLE_MS = 200.0
RATIO = 2.0


def hooks_verdicts(hooks: Hooks) -> Iterator[Verdict]:
    """Both bars."""
    middle = median(hooks.idle)
    yield at_most("commit to webhook received, idle: median", Spread(middle, middle, middle), IDLE_MS, unit="ms")
    ratios = [beside / without for beside, without in zip(hooks.beside, hooks.without, strict=True)]
    what = f"{ENDPOINTS:,} endpoints, {DEAD + SLOW} dead or {SLOW_SECONDS:.0f} s slow: p99 of the healthy, against without"
    yield at_most(what, spread(ratios), RATIO, unit="x")


def hooks_text(hooks: Hooks) -> str:
    """The numbers behind them."""
    ordered = sorted(hooks.idle)
    without, beside = spread(hooks.without), spread(hooks.beside)
    return (
        f"Webhooks, idle, {len(ordered)} samples: median {median(ordered):.0f} ms, {ordered[0]:.0f}..{ordered[-1]:.0f}. "
        f"{EVENTS_A_SECOND} events a second to ten endpoints each, {hooks.deliveries:,} deliveries: p99 "
        f"{without.median:.0f} ms ({without.least:.0f}..{without.most:.0f}) when all are healthy, "
        f"{beside.median:.0f} ms ({beside.least:.0f}..{beside.most:.0f}) beside {DEAD} dead and {SLOW} slow ones."
    )
