"""``python -m iolaus.cli``."""

from iolaus.cli import main

if __name__ == "__main__":
    main()
