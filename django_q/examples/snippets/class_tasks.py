"""Tasks as classes: a name, data, a start and a stop, events, errors, a context."""

# ruff: noqa
# mypy: ignore-errors

from django_q.contrib.class_tasks import Task, spawn

# fmt: off

class MyTask(Task):
    NAME = 'mytask'

class MyTask(Task):
    def __init__(self, my_task_option='default'):
        self.option = my_task_option

class MyTask(Task):
    ...
    def start(self):
        do_some_work()

class MyTask(Task):
    ...
    def start(self):
        self.loop = spawn(self.work)
        self.loop.get()

    def stop(self):
        self.loop.kill()

    def work(self):
        do_some_work()

class MyTask(Task):
    ...
    def start(self):
        self.emit('event-name', {'some': 'data'})

class MyTask(Task):
    ...
    def start(self):
        raise self.Error('Task failz!')

class MyTask(Task):
    @staticmethod
    def provide_context():
        # Wrap task methods in Flask.app_context
        return web_app.app_context()
