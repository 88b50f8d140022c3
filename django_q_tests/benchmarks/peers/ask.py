"""The protocol: ``python ask.py <program> <command> [number] [seconds]``; one line of JSON is the answer.

=================  ===================================================================================================
``prepare``        makes the tables; says the versions
``worker``         works until it is ended; it says nothing
``enqueue N``      enqueues N no-ops one by one; says the seconds that this took
``fill N``         enqueues N no-ops in the fastest way that the package has
``latency N S``    enqueues N tasks, each when the one before has ended, for at most S seconds; says what each took
=================  ===================================================================================================

The program is imported by its name and never run itself, so that its tasks are called the same in every process.
``BENCHMARK_PEER`` in the environment holds what the program has to know, as JSON.
"""

import importlib
import json
import sys

from workload import Program


def main(name: str, command: str, *numbers: str) -> None:
    program: Program = importlib.import_module(name).PROGRAM
    answer = getattr(program, command)(*map(int, numbers))
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
