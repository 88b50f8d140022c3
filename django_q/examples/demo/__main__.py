"""The command ``python -m django_q.examples.demo``."""

import sys

from django_q.examples.demo.command import main

if __name__ == "__main__":
    sys.exit(main())
