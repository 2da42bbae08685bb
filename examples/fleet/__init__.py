"""A fleet of worker processes that does each job once, whichever of them is killed: `python -m examples.fleet`."""
