"""A hook: called with the task after it ended."""

# ruff: noqa
# fmt: off

def print_result(task):
    print(task.result)
