"""`python -m vaelib`: the command `vaelib`, where its script is not on the PATH."""

import sys

from vaelib.cli import main

if __name__ == "__main__":
    sys.exit(main())
