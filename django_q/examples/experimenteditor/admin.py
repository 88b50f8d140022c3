"""The experiments and their runs in Django's admin."""

from django.contrib import admin

from django_q.examples.experimenteditor.models import (
    Booking,
    CANCommand,
    CANGenCommand,
    ECUUpdate,
    Experiment,
    LogPage,
    Notification,
    ObservableQuantity,
    OneTimeSSSCommand,
    Preferences,
    RunResult,
    RunTask,
    Vehicle,
)


class CommandInline(admin.TabularInline):
    """The commands of one kind, on the page of their experiment."""

    extra = 0


class SSSInline(CommandInline):
    model = OneTimeSSSCommand


class CANInline(CommandInline):
    model = CANCommand


class CANGenInline(CommandInline):
    model = CANGenCommand


class ECUInline(CommandInline):
    model = ECUUpdate


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
    inlines = (SSSInline, CANInline, CANGenInline, ECUInline)


@admin.register(RunResult)
class RunResultAdmin(admin.ModelAdmin):
    """What came of it."""

    list_display = ("experiment", "start", "end", "posted_at", "log_lines", "is_complete", "error")
    list_filter = ("is_complete",)
    list_select_related = ("experiment",)
    inlines = (RunTaskInline,)


@admin.register(LogPage)
class LogPageAdmin(admin.ModelAdmin):
    """The logs, page by page."""

    list_display = ("run_id", "number", "first_line", "last_line")
    raw_id_fields = ("run",)

    def get_queryset(self, request):
        """Leave the text to the page of one row."""
        return super().get_queryset(request).defer("text")


@admin.register(Booking)
class BookingAdmin(admin.ModelAdmin):
    """What is planned. Deleting a booking drops its tasks; moving it is for the pages of the editor."""

    list_display = ("related_experiment", "run", "email_reminder")
    list_select_related = ("related_experiment", "run__experiment")

    def has_add_permission(self, request):
        """A row alone would be a booking without tasks."""
        return False


@admin.register(ObservableQuantity)
class ObservableQuantityAdmin(admin.ModelAdmin):
    """The data series."""

    list_display = ("name", "related_experiment", "related_run", "fetched_at")
    list_select_related = ("related_experiment", "related_run__experiment")

    def get_queryset(self, request):
        """Leave the values to the page of one row."""
        return super().get_queryset(request).defer("xdata", "ydata")


@admin.register(Notification)
class NotificationAdmin(admin.ModelAdmin):
    """What users were told."""

    list_display = ("__str__", "level", "recipient", "unread", "timestamp")
    list_filter = ("level", "unread")
    list_select_related = ("recipient",)


@admin.register(Preferences)
class PreferencesAdmin(admin.ModelAdmin):
    """How users want to be spoken to."""

    list_display = ("user", "language", "time_zone")
    list_select_related = ("user",)


@admin.register(Vehicle)
class VehicleAdmin(admin.ModelAdmin):
    """The one vehicle, and how often its plan was changed."""

    list_display = ("pk", "changes")
    readonly_fields = ("changes",)

    def has_add_permission(self, request):
        """There is one, and it is made by the first booking."""
        return False

    def has_delete_permission(self, request, obj=None):
        """Bookings wait for it."""
        return False
