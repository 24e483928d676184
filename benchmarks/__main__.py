"""Lists the benchmarks, or runs the named ones: ``python -m benchmarks speed ladder``.

One that has options is named alone, with its options after it: ``python -m benchmarks detection --seeds 1``.
"""

import runpy
import sys

_KNOWN = {
    "detection": "rates, dilution, ladder and hard negatives beside ten peers, over many seeds; --help says more",
    "enforce.overhead": "what the middleware costs a request with 250,000 accounts in the snapshot, paired in one run",
    "speed": "detection of a million exchanges against the floor of scanning every byte of the same file",
    "scale": "detection of 1, 4 and 16 million exchanges by stage, beside the scan floor and peers; --help says more",
    "scale.incremental": "a day added to 27 that a state has: reading, whole runs, and 20 kills; --help says more",
    "scale.spark": "bytes that Spark shuffles and that the driver holds, of 100,000 to a million exchanges",
    "sketch": "sketching from raw strings against datasketch and rensa, in one run",
    "stream.throughput": "exchanges a second that the stream takes in on one core, and its memory under a setting",
    "race.levels": "an operator that adapts against a policy that blocks, at L2, L3 and L5",
    "ladder": "the ladder over real text, three seeds: recall by level, false discoveries, hard negatives",
    "provenance.power": "pairs that convict a student, by epochs, share of the diet and treatment",
    "provenance.innocents": "200 innocent models under 1,000 redraws of the coins: how many are accused",
    "provenance.access": "what each kind of access shows of one student; after provenance.power",
    "provenance.accounts": "what naming one account among 24,000 costs, by how the level is shared out",
    "provenance.rivals": "dataset inference, Min-K%++, model equality and similarity; after provenance.innocents",
    "distill.objective_peers": "the chunked objective against TRL's GKD loss and Liger's fused JSD on a CPU",
}

if __name__ == "__main__":
    options = sys.argv[2:] if sys.argv[2:3] and sys.argv[2].startswith("-") else []
    wanted = sys.argv[1:2] if options else sys.argv[1:]
    if not wanted:
        for name, what in _KNOWN.items():
            print(f"{name:8} {what}")
    for name in wanted:
        if name not in _KNOWN:
            sys.exit(f"no benchmark is called {name!r}; there are {', '.join(_KNOWN)}")
        sys.argv = [name, *options]
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")
