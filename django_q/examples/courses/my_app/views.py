"""The pages: courses to be exported, and the exports of whoever looks."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST
from my_app.models import Course
from my_app.tasks import export_task

from django_q.contrib.user_tasks.models import UserTaskStatus

SHOWN = 5  # exports, the newest


@login_required
def courses(request):
    """Show the courses, and how the exports get on."""
    exports = UserTaskStatus.objects.filter(user=request.user, task_class=export_task.name).newest_first()
    return render(
        request, "my_app/courses.html", {"courses": Course.objects.order_by("name"), "exports": exports[:SHOWN]}
    )


@require_POST
@login_required
def export(request, pk):
    """Have a course exported."""
    course = get_object_or_404(Course, pk=pk)
    export_task.delay(request.user.pk, course.pk)
    return redirect("courses")
