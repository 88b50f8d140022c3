"""A task that takes its time."""

# ruff: noqa
# fmt: off

import time

def long_running_process():
    print("start")
    time.sleep(100)
    print("end")
    return 1
