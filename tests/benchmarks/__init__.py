"""What a call costs, beside the bare HTTP libraries and the other SDKs: `python -m tests.benchmarks`."""
