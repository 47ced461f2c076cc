"""What came out of the joins and of webhooks, against their bars."""

from collections.abc import Callable, Iterator, Sequence
from statistics import median

from bench import provider
from bench.joins import CAPACITY, CASES, CONNECTIONS, PEOPLE, WORKERS, Joining, Joins
from bench.rounds import spread
from bench.verdict import Verdict, at_most, table

P99_MS = 250.0


def joins_verdicts(joins: Joins) -> Iterator[Verdict]:
    """Every bar. Those of latency are for people who come within a second, not for as many as a connection can carry."""
    creations = [joining.creations for rounds in joins.ours for joining in rounds]
    most, least = max(creations), min(creations)
    what = f"{PEOPLE:,} people join, {CONNECTIONS} connections, {WORKERS} processes: creations at the provider"
    yield Verdict(what, str(most), "" if least == most else f"{least}..{most}", "1", least == most == 1)
    for case, rounds in zip(CASES, joins.ours, strict=True):
        if case.seconds:
            yield at_most(f"within a second, {case.title}: p99", spread([it.p99 for it in rounds]), P99_MS, unit="ms")
        if not case.seated:
            outcomes = {(it.let_in, it.full) for it in rounds}
            bar = f"{CAPACITY:,}, {PEOPLE - CAPACITY:,}"
            said = "; ".join(f"{let_in:,}, {full:,}" for let_in, full in sorted(outcomes))
            yield Verdict("of those let in, answered 412", said, "", bar, outcomes == {(CAPACITY, PEOPLE - CAPACITY)})


def joins_tables(joins: Joins) -> list[str]:
    """The numbers behind them."""
    rows = []
    for case, ours, asking in zip(CASES, joins.ours, joins.asking, strict=True):
        rows += [_row(f"{case.title}: Greenroom", ours), _row("a question at each join", asking)]
    head = ("joins", "answers a second", "min..max", "p50 ms", "p99 ms", "max ms", "creations", "failed", "provider's CPU s")
    late = max(it.late_ms for rounds in (*joins.ours, *joins.asking) for it in rounds)
    core = max(it.client_core for rounds in (*joins.ours, *joins.asking) for it in rounds)
    how = (
        f"The provider takes {provider.SECONDS * 1000:.0f} ms for an answer. Who failed was answered too, by an error, and "
        "counts in what there was a second. "
        f"The client was at most {late:.1f} ms late at p99, and took at most {core:.0%} of a core."
    )
    return [table(head, rows), how, _webhooks(joins)]


def _row(title: str, rounds: Sequence[Joining]) -> tuple[str, ...]:
    def middle(number: Callable[[Joining], float]) -> str:
        return f"{median(number(it) for it in rounds):,.0f}"

    rates = spread([it.per_second for it in rounds])
    cpu = median(it.provider_cpu for it in rounds)
    return (
        title,
        f"{rates.median:,.0f}",
        f"{rates.least:,.0f}..{rates.most:,.0f}",
        middle(lambda it: it.p50),
        middle(lambda it: it.p99),
        middle(lambda it: it.longest),
        middle(lambda it: it.creations),
        middle(lambda it: it.failed),
        f"{cpu:.2f}",
    )


def _webhooks(joins: Joins) -> str:
    hooks = joins.webhooks
    many, single = spread(hooks.many), spread(hooks.single)
    return (
        f"Webhooks of one call, signed, two for each person, {hooks.events:,} over {hooks.connections} connections: "
        f"{many.median:,.0f} a second ({many.least:,.0f}..{many.most:,.0f}), p99 {median(hooks.p99):.0f} ms, "
        f"{median(hooks.together):.1f} to a transaction. One after the other over one connection: {single.median:,.0f} "
        f"a second ({single.least:,.0f}..{single.most:,.0f})."
    )
