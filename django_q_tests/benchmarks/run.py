"""One run, in a process that has the settings of its database: prints one line of JSON."""

import json
import platform
import sys
from pathlib import Path

import django
from django.core.management import call_command

import django_q
from django_q_tests.benchmarks.cluster import machine


def main(folder: str, options: str) -> None:
    django.setup()
    call_command("migrate", verbosity=0)
    from django_q_tests.benchmarks import measures  # models can be imported now

    conditions = measures.conditions()
    run = measures.Run(Path(folder), json.loads(options))
    figures = run.measure()
    versions = {"python": platform.python_version(), "django": django.__version__, "django_q": django_q.__version__}
    record = {"machine": machine(), "versions": versions, "database": conditions, "figures": figures}
    print(json.dumps(record | {"samples": run.samples}))


if __name__ == "__main__":
    main(*sys.argv[1:])
