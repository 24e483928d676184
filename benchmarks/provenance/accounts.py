"""What it costs to name one account among 24,000: pairs over those of a single account, same alpha and power.

``python -m benchmarks.provenance.accounts`` (a minute; nothing is simulated but how uneven a vault is).
"""

import json
from typing import Any

import numpy as np

from benchmarks.provenance.results import write
from iolaus.provenance.levels import share_out
from iolaus.provenance.power import pairs_needed

ALPHA, ACCOUNTS, CAMPAIGN = 1e-6, 24_000, 300
RATES = (0.6, 0.7, 0.8)
SHARES = (0.01, 0.1)


def ratios(level: float) -> dict[str, float]:
    """Pairs at a level over pairs at ALPHA, by win rate; both are the exact sign test's at a power of 0.95."""
    found = {}
    for rate in RATES:
        one, many = pairs_needed(rate, ALPHA), pairs_needed(rate, level)
        if one is None or many is None:
            raise ValueError(f"a win rate of {rate} is not to be decided")
        found[str(rate)] = round(many / one, 3)
    return found


def uneven(share: float) -> dict[str, float]:
    """The least chances in a vault of uneven accounts: exchanges are log-normal (median 40, sigma 2)."""
    rng = np.random.default_rng(0)
    exchanges = np.exp(np.log(40) + 2 * rng.standard_normal(ACCOUNTS))
    pairs = rng.poisson(share * exchanges)
    return {str(i): 0.5 ** int(n) for i, n in enumerate(pairs) if n}


def main() -> None:
    """Work out, print, record."""
    equal = {str(i): 0.0 for i in range(ACCOUNTS)}
    within = {name: 0.0 for name in equal if int(name) < CAMPAIGN}
    beside = {name: 0.0 for name in equal if int(name) >= CAMPAIGN}
    halved = share_out(ALPHA, [within, beside])
    result: dict[str, Any] = {
        "alpha": ALPHA,
        "power": 0.95,
        "accounts": ACCOUNTS,
        "all could be convicted, no campaigns (Bonferroni)": ratios(share_out(ALPHA, [equal])["0"]),
        f"accounts of campaigns ({CAMPAIGN} of them)": ratios(halved["0"]),
        f"all others ({ACCOUNTS - CAMPAIGN})": ratios(halved[str(CAMPAIGN)]),
    }
    for share in SHARES:
        least = uneven(share)
        level = next(iter(share_out(ALPHA, [least]).values()))
        result[f"uneven vault, twins on {share:.0%} of the exchanges"] = {
            "accounts with twins": len(least),
            "accounts that count": round(ALPHA / level),
            "pairs": ratios(level),
        }
    print(json.dumps(result, indent=2))
    print(write("accounts", result))


if __name__ == "__main__":
    main()
