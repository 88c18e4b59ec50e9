"""`python -m benchmarks.doctor --half tune`."""

from __future__ import annotations

import sys

from benchmarks.doctor import main

if __name__ == "__main__":
    print(main(sys.argv[1:]))
