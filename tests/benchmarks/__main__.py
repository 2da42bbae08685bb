"""Measure, and print the ratios as a table: `python -m tests.benchmarks [MEASUREMENT …]`."""

import argparse
import asyncio
from pathlib import Path

from . import environments
from .measurements import MEASUREMENTS
from .report import plot, table
from .runner import Runner


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    known = ", ".join(MEASUREMENTS)
    parser.add_argument("measurements", nargs="*", metavar="MEASUREMENT", help=f"of {known}; all by default")
    parser.add_argument("--quick", action="store_true", help="do a tenth of the work")
    parser.add_argument("--rounds", type=int, default=7, help="how often each job runs (7)")
    parser.add_argument("--no-peers", action="store_true", help="compare with the bare libraries only")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw a plot (extra `bench`)")
    arguments = parser.parse_args()
    if unknown := set(arguments.measurements) - MEASUREMENTS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {known}")
    return arguments


async def main() -> None:
    arguments = _arguments()
    peers = [] if arguments.no_peers else await environments.prepare()
    async with Runner(arguments.rounds, arguments.quick, peers) as runner:
        for name in arguments.measurements or MEASUREMENTS:
            await MEASUREMENTS[name](runner)
        print(f"\n{table(runner.report)}")
        if arguments.plot is not None:
            plot(runner.report, arguments.plot)


if __name__ == "__main__":
    asyncio.run(main())
