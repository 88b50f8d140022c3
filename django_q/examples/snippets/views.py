"""A view that answers with the id of the task it enqueued."""

# ruff: noqa
# fmt: off

from django.http import JsonResponse

from django_q.tasks import async_task, result

def v(request):
    task_id = async_task("tasks.long_running_process")
    return JsonResponse({ "ret": task_id })
