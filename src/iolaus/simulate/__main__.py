"""One of the programs that write a plan's texts; ``crew`` starts them."""

import sys
from pathlib import Path

from iolaus.simulate.crew import work

if __name__ == "__main__":
    work(Path(sys.argv[1]), int(sys.argv[2]))
