"""One run, in a process that has the settings of its database: prints one line of JSON."""

import json
import sys
from pathlib import Path

import django
from django.core.management import call_command

from django_q_tests.benchmarks.cluster import machine


def main(folder: str, options: str) -> None:
    django.setup()
    call_command("migrate", verbosity=0)
    from django_q_tests.benchmarks import measures  # models can be imported now

    conditions = measures.conditions()
    figures = measures.Run(Path(folder), json.loads(options)).measure()
    print(json.dumps({"machine": machine(), "database": conditions, "figures": figures}))


if __name__ == "__main__":
    main(*sys.argv[1:])
