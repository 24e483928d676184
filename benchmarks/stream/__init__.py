"""The stream: throughput of taking exchanges in, what judging costs beside it, and memory under its setting."""
