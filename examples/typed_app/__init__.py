"""A list of tasks whose models are written by the library: `python -m examples.typed_app`."""
