"""What holds for every test: generated cases are the same each time, and a busy machine is no failure."""

from hypothesis import settings

settings.register_profile("house", deadline=None, derandomize=True, database=None)
settings.load_profile("house")
