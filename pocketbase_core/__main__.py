"""The command line: `python -m pocketbase_core models …`."""

import sys

from pocketbase_core.codegen.command import main

if __name__ == "__main__":
    sys.exit(main())
