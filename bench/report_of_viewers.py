"""What came out of the viewers of a live session, against their bars."""

from collections.abc import Callable, Iterator, Sequence
from statistics import median

from bench.rounds import spread
from bench.verdict import Verdict, at_most, table
from bench.viewers import Idle, Pace, Viewers, Watching

KB_EACH = 25.0
P99_SECONDS = 1.0
LEAST_FRAMES, MOST_FRAMES = 1.0, 4.0  # a second, for each viewer

OURS, PEER = "Greenroom", "Starlette, sse-starlette"


def viewers_verdicts(viewers: Viewers) -> Iterator[Verdict]:
    """Every bar: those of a crowd are for the whole of it, not for what the peer can keep up with."""
    size = viewers.size
    there = min(idle.there for idle in viewers.idle)
    what = "viewers of one process on one core, after a heartbeat"
    yield Verdict(what, f"{there:,}", "", f"{size.idle:,}", there == size.idle)
    yield at_most("memory of each, idle", spread([idle.kb_each for idle in viewers.idle]), KB_EACH, unit="KB")
    slowest = spread([it.voted.p99 / 1000 for it in viewers.crowd])
    yield at_most(f"{_title(size.crowd)}: from a vote's answer to the last viewer, p99", slowest, P99_SECONDS, unit="s")
    least, most = min(it.voted.least for it in viewers.crowd), max(it.voted.most for it in viewers.crowd)
    passed = least >= LEAST_FRAMES and most <= MOST_FRAMES
    bar = f"{LEAST_FRAMES:g}..{MOST_FRAMES:g}"
    yield Verdict("frames a second, of whichever viewer", f"{least:.2f}..{most:.2f}", "", bar, passed)


def viewers_tables(viewers: Viewers) -> list[str]:
    """The numbers behind them."""
    idle = [_idle_row(OURS, viewers.idle), _idle_row(PEER, viewers.idle_peer)]
    rows = [
        _row(OURS, viewers.size.crowd, viewers.crowd),
        _row(OURS, viewers.size.shared, viewers.shared),
        _row(PEER, viewers.size.shared, viewers.shared_peer),
    ]
    runs = (*viewers.crowd, *viewers.shared, *viewers.shared_peer)
    how = (
        "A frame is an event `votes`: of Greenroom's it holds the counts of all votes since the last one, of the peer's a "
        "single vote. Processor time is the server's, less what the same votes take when nobody watches; that of a vote is "
        "what it takes to tell one viewer of one vote. "
        f"The client took at most {max(it.voted.client_core for it in runs):.0%} of a core."
    )
    return [
        table(
            (
                f"{viewers.size.idle:,} viewers, idle",
                "KB each",
                "min..max",
                "MB without",
                "MB with",
                "came a second",
                "us to come in",
            ),
            idle,
        ),
        table(
            (
                "votes",
                "answered a second",
                "last viewer p50 ms",
                "p99 ms",
                "max ms",
                "vote's answer p99 ms",
                "frames a second, each",
                "us a frame and viewer",
                "min..max",
                "of it the kernel's",
                "us a vote and viewer",
                "server's core",
            ),
            rows,
        ),
        how,
    ]


def _title(pace: Pace) -> str:
    return f"{pace.viewers:,} viewers, {pace.per_second} votes a second"


def _idle_row(title: str, rounds: Sequence[Idle]) -> tuple[str, ...]:
    each = spread([idle.kb_each for idle in rounds])
    return (
        title,
        f"{each.median:.1f}",
        f"{each.least:.1f}..{each.most:.1f}",
        f"{median(idle.before for idle in rounds):.0f}",
        f"{median(idle.after for idle in rounds):.0f}",
        f"{median(idle.viewers / idle.seconds for idle in rounds):,.0f}",
        f"{median(idle.cpu / idle.viewers * 1e6 for idle in rounds):,.0f}",
    )


def _row(title: str, pace: Pace, rounds: Sequence[Watching]) -> tuple[str, ...]:
    def middle(number: Callable[[Watching], float]) -> float:
        return median(number(it) for it in rounds)

    each = spread([it.us_per_frame for it in rounds])
    return (
        f"{title}: {_title(pace)}",
        f"{middle(lambda it: it.voted.votes / it.voted.seconds):,.0f}",
        f"{middle(lambda it: it.voted.p50):,.0f}",
        f"{middle(lambda it: it.voted.p99):,.0f}",
        f"{max(it.voted.longest for it in rounds):,.0f}",
        f"{middle(lambda it: it.voted.answer_p99):,.0f}",
        f"{min(it.voted.least for it in rounds):.2f}..{max(it.voted.most for it in rounds):.2f}",
        f"{each.median:.1f}",
        f"{each.least:.1f}..{each.most:.1f}",
        f"{middle(lambda it: it.kernel_share):.0%}",
        f"{middle(lambda it: it.us_per_vote):.2f}",
        f"{middle(lambda it: it.core):.0%}",
    )
