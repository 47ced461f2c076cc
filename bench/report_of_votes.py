"""What came out of the votes beside the bar, which stands with those of other scenarios."""

from collections.abc import Sequence

from bench.rounds import ADDING, OURS, Standing, ratio, spread
from bench.votes import Votes

VOTES_AGAINST_HONO = 6.0


def votes_text(votes: Votes, standings: Sequence[Standing]) -> str:
    """How many shared a transaction, and how we stand to a peer that does not count."""
    known = {standing.contender: standing for standing in standings if standing.scenario.mode == "votes"}
    against, together = ratio(known[OURS], known[ADDING]), spread(votes.together)
    return (
        f"Votes: {together.median:.0f} of Greenroom's shared a transaction and its event ({together.least:.0f}.."
        f"{together.most:.0f}); each of the peer's has its own. The peer counts a question's votes at each new one, which "
        f"takes longer the more there are; against the same peer, adding one instead, it is {against.median:.2f}x "
        f"({against.least:.2f}..{against.most:.2f}). After each run the number was that of the votes, and of the answers."
    )
