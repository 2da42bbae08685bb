"""Event loops, threads, tasks and callbacks."""
