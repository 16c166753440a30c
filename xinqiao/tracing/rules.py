"""How well a copy's marks agree with a read's, and how likely that is by chance. Pure.

Each text bit of an unrelated read agrees with chance 1/2, so the number that agree has a binomial tail. An order of k
names agrees with chance 1/k!. Let S be the sum of log2 k! over the orders that agree, of N: since the expectation of
2^S is at most 2^N, a read unrelated to the copy reaches S with chance at most 2^(N - S). The better of the two counts,
less one bit for the choice; over all candidates chances add up. So whatever the copy, the chance that it names any read
wrongly is at most ``CHANCE``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from math import comb, factorial, log2

from xinqiao.tracing.marks import agrees, choices
from xinqiao.tracing.types import Carrier, Seen, TracedRead

Keyed = Callable[[str], bytes]  # a keyed digest of a text, 16 to 64 bytes
CHANCE = 1e-9  # of any false match in one trace


def needed_bits(candidates: int) -> float:
    """The bits from which on a read is named, among so many."""
    return log2(max(candidates, 1)) - log2(CHANCE)


def score(seen: Seen, keyed: Keyed, access: str) -> TracedRead:
    """How well a read agrees with what a copy shows; ``keyed`` gives the key of a read."""
    key = keyed(access)
    marks = ((choices(key, code), mask, value) for code, (mask, value) in seen.bits.items())
    agree = sum((~(byte ^ value) & mask).bit_count() for byte, mask, value in marks)
    text = tail_bits(agree, seen.count)
    equal = [names for place, names in seen.orders if agrees(key, place, names)]
    order = sum(log2(factorial(len(names))) for names in equal) - len(seen.orders)
    if order > text:
        return TracedRead(access, Carrier.ORDER, len(equal), len(seen.orders), order - 1)
    return TracedRead(access, Carrier.TEXT, agree, seen.count, text - 1)


@cache
def tail_bits(agree: int, shown: int) -> float:
    """Minus the logarithm of the chance that at least so many of so many fair coins agree."""
    return shown - log2(sum(comb(shown, n) for n in range(agree, shown + 1)))


def best(seen: Seen, keyed: Keyed, accesses: Iterable[str], *, needed: float) -> list[TracedRead]:
    """The reads that are named, the strongest first."""
    found = [one for access in accesses if (one := score(seen, keyed, access)).bits >= needed]
    return sorted(found, key=lambda read: -read.bits)
