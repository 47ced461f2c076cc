"""What came out of the mail, against its bars."""

from collections.abc import Iterator

from bench.mail import Mail
from bench.rounds import Spread, spread
from bench.verdict import Verdict, at_most

SECONDS = 60.0
GROWTH_MB = 50.0


def mail_verdicts(mail: Mail) -> Iterator[Verdict]:
    """Every bar."""
    yield at_most(f"{mail.people:,} people told of a move: to the last mail", spread(mail.seconds), SECONDS, unit="s")
    once = all(came == mail.people for came in mail.came) and set(mail.distinct) == {mail.people} and set(mail.most) == {1}
    yield Verdict("mails for each of them", f"{max(mail.most)}", "", "1", once)
    grown = max(mail.resident) - mail.resident_before
    yield at_most("memory of the process meanwhile, more than before", Spread(grown, grown, grown), GROWTH_MB, unit="MB")


def mail_tables(mail: Mail) -> list[str]:
    """The numbers behind them."""
    half = len(mail.resident) // 2
    early, late = (max(part, default=0.0) for part in (mail.resident[:half], mail.resident[half:]))
    seconds = ", ".join(f"{each:.1f}" for each in mail.seconds)
    cost = ", ".join(f"{each:.2f}" for each in mail.cpu_ms)
    pace = f"Mail: {seconds} s for {mail.people:,} people, move after move; {cost} ms of Greenroom's processor time each."
    before = mail.resident_before
    memory = f"Resident: {before:.1f} MB before, at most {early:.1f} MB in the first half and {late:.1f} MB in the second."
    return [f"{pace} {memory}"]
