"""A view that enqueues the task, and pages that watch it."""

# ruff: noqa
# fmt: off

from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import render

from django_q.tasks import async_task, result

@login_required
def start(request):
    task_id = async_task("tasks.test_task", task_publish_id="test1",  param=123)
    return JsonResponse({ "ret": task_id })

@login_required
def watch(request, template):
    return render(request, f"live/{template}.html")
