"""Lists the benchmarks, or runs the named ones: ``python -m benchmarks speed ladder``."""

import runpy
import sys

_KNOWN = {
    "enforce.overhead": "what the middleware costs a request with 250,000 accounts in the snapshot, paired in one run",
    "speed": "detection of a million exchanges against the floor of scanning every byte of the same file",
    "sketch": "sketching from raw strings against datasketch, in one run",
    "ladder": "the ladder over real text, three seeds: recall by level, false discoveries, hard negatives",
    "provenance.power": "pairs that convict a student, by epochs, share of the diet and treatment",
    "provenance.innocents": "200 innocent models under 1,000 redraws of the coins: how many are accused",
    "provenance.access": "what each kind of access shows of one student; after provenance.power",
    "provenance.rivals": "dataset inference and Min-K%++ beside twin coins; after provenance.innocents",
}

if __name__ == "__main__":
    wanted = sys.argv[1:]
    if not wanted:
        for name, what in _KNOWN.items():
            print(f"{name:8} {what}")
    for name in wanted:
        if name not in _KNOWN:
            sys.exit(f"no benchmark is called {name!r}; there are {', '.join(_KNOWN)}")
        sys.argv = [name]
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")
