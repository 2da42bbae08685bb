"""`python -m tests.benchmarks [MEASUREMENT …]`: ratios, as a table and a plot."""

import argparse
import asyncio
from pathlib import Path

from . import environments
from .measurements import MEASUREMENTS
from .report import plot, table
from .runner import Runner


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("measurements", nargs="*", metavar="MEASUREMENT", help=f"of {', '.join(MEASUREMENTS)}")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--rounds", type=int, default=7, help="how often each is run, in turns (7)")
    parser.add_argument("--no-peers", action="store_true", help="only beside the bare libraries")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw it (extra `bench`)")
    arguments = parser.parse_args()
    if unknown := set(arguments.measurements) - MEASUREMENTS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}")
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
