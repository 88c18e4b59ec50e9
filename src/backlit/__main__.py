"""`python -m backlit`: the command."""

import sys

from backlit.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
