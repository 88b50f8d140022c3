"""The experiments and their runs in Django's admin."""

from django.contrib import admin

from django_q.examples.experimenteditor.models import (
    Booking,
    Command,
    Experiment,
    Notification,
    ObservableQuantity,
    RunResult,
    RunTask,
)


class CommandInline(admin.TabularInline):
    """The commands, on the page of their experiment."""

    model = Command
    extra = 1


class RunTaskInline(admin.TabularInline):
    """The tasks, on the page of their run."""

    model = RunTask
    extra = 0
    can_delete = False
    readonly_fields = ("name", "task_id", "due")


@admin.register(Experiment)
class ExperimentAdmin(admin.ModelAdmin):
    """What users planned."""

    list_display = ("experiment_title", "exp_pk", "created_by", "experiment_created_date", "is_scheduled")
    list_filter = ("is_scheduled",)
    list_select_related = ("created_by",)
    search_fields = ("experiment_title",)
    inlines = (CommandInline,)


@admin.register(RunResult)
class RunResultAdmin(admin.ModelAdmin):
    """What came of it."""

    list_display = ("experiment", "start", "end", "posted_at", "is_complete", "error")
    list_filter = ("is_complete",)
    list_select_related = ("experiment",)
    inlines = (RunTaskInline,)

    def get_queryset(self, request):
        return super().get_queryset(request).defer("log")


@admin.register(Booking)
class BookingAdmin(admin.ModelAdmin):
    """What is planned."""

    list_display = ("related_experiment", "run", "email_reminder")
    list_select_related = ("related_experiment", "run__experiment")


@admin.register(ObservableQuantity)
class ObservableQuantityAdmin(admin.ModelAdmin):
    """The data series."""

    list_display = ("name", "related_experiment", "related_run", "fetched_at")
    list_select_related = ("related_experiment", "related_run__experiment")


@admin.register(Notification)
class NotificationAdmin(admin.ModelAdmin):
    """What users were told."""

    list_display = ("__str__", "level", "recipient", "unread", "timestamp")
    list_filter = ("level", "unread")
    list_select_related = ("recipient",)
