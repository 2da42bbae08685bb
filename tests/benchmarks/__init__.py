"""The cost of calls, compared with the bare HTTP libraries and with other SDKs: `python -m tests.benchmarks`."""
