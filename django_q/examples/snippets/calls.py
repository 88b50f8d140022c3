"""Ways to put a call into the queue. It is there to be read and run; importing it does nothing."""

# ruff: noqa
# fmt: off

if __name__ == "__main__":
    from django_q import async_task, result

    # create the task
    async_task('math.copysign', 2, -2)

    # or with import and storing the id
    from math import copysign

    task_id = async_task(copysign, 2, -2)

    # get the result
    task_result = result(task_id)

    # result returns None if the task has not been executed yet
    # so in most cases you will want to use a hook:

    async_task('math.modf', 2.5, hook='hooks.print_result')
