"""The arms race, measured."""
