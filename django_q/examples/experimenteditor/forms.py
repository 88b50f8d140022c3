"""What users fill in."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone, translation

from django_q.examples.experimenteditor import bookings
from django_q.examples.experimenteditor.models import (
    REMINDER_CHOICES,
    SERIES,
    Booking,
    CANCommand,
    CANGenCommand,
    ECUUpdate,
    Experiment,
    OneTimeSSSCommand,
    Preferences,
)

# The kinds of commands: the prefix of their fields, the model, what the section is called and what it says, the fields.
KINDS: dict[str, tuple[Any, str, str, list[str]]] = {
    "vehicle": (
        OneTimeSSSCommand,
        "Vehicle commands",
        "Throttle and brakes take percent, the governor km/h. EndExperiment takes nothing and ends the run.",
        ["delay", "commandchoice", "quantity", "repeat_count", "repeat_delay"],
    ),
    "frame": (
        CANCommand,
        "CAN frames",
        "Each is sent once.",
        ["delay", "interface", "message_id", "is_extended_can", "length", "message"],
    ),
    "traffic": (
        CANGenCommand,
        "CAN traffic",
        "Frames that cangen sends one after the other.",
        [
            "delay",
            "interface",
            "gap",
            "message_id",
            "is_extended_can",
            "is_rtr",
            "message_length",
            "can_data",
            "frame_limit",
        ],
    ),
    "update": (
        ECUUpdate,
        "ECU updates",
        "A new identification number, or a new governor speed, in the controller's memory.",
        ["delay", "type", "value"],
    ),
}


class ExperimentForm(forms.ModelForm):
    """The title of an experiment; its commands are formsets."""

    class Meta:
        model = Experiment
        fields = ["experiment_title"]


class CommandForm(forms.ModelForm):
    """One command. Seconds are shown without zeros that say nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("delay", "repeat_delay"):
            if isinstance(self.initial.get(name), Decimal):
                self.initial[name] = Decimal(f"{self.initial[name].normalize():f}")


class Commands:
    """The formsets of all kinds of commands, filled in, checked and saved together."""

    def __init__(self, data: Any, experiment: Experiment) -> None:
        self.sections = []
        for prefix, (model, title, hint, fields) in KINDS.items():
            # Without JavaScript there are some empty rows; with it, a button adds more.
            extra = 3 if prefix == "vehicle" and experiment.pk is None else 1
            factory = forms.inlineformset_factory(
                Experiment, model, form=CommandForm, fields=fields, extra=extra, can_delete=True
            )
            self.sections.append((title, hint, factory(data, instance=experiment, prefix=prefix)))

    def is_valid(self) -> bool:
        # Not all(): each shows its errors.
        return all([formset.is_valid() for _, _, formset in self.sections])

    def save(self) -> None:
        for _, _, formset in self.sections:
            formset.save()


class VisualizeForm(forms.Form):
    """The data series that the results will show."""

    series = forms.MultipleChoiceField(
        choices=[(name, f"{series.label}, {series.unit}".rstrip(", ")) for name, series in SERIES.items()],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="Show",
    )


class BookingForm(forms.Form):
    """A slot for an experiment, in the user's time zone; both ends may be left to the vehicle."""

    start = forms.DateTimeField(required=False, help_text="Empty: as soon as possible.")
    end = forms.DateTimeField(required=False, help_text="Empty: with the last command.")
    email_reminder = forms.ChoiceField(required=False, label="Remind me by mail", choices=REMINDER_CHOICES)

    def __init__(self, *args: Any, experiment: Experiment, instead_of: Booking | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.experiment = experiment
        self.instead_of = instead_of
        for name in ("start", "end"):
            self.fields[name].widget = forms.DateTimeInput(
                attrs={"type": "datetime-local", "step": 1}, format="%Y-%m-%dT%H:%M:%S"
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        start: datetime = cleaned.get("start") or bookings.earliest_start()
        end: datetime = cleaned.get("end") or start + self.experiment.length()
        if start < timezone.now():
            self.add_error("start", "That time is over. Leave it empty to start as soon as possible.")
            return cleaned
        if not self.experiment.get_all_commands_list():
            raise ValidationError("The experiment has no commands yet. Write some first.")
        bookings.check_slot(self.experiment, start, end, instead_of=self.instead_of)
        return {**cleaned, "start": start, "end": end}


class PreferencesForm(forms.ModelForm):
    """The language of mails and notifications, and the time zone of all times."""

    class Meta:
        model = Preferences
        fields = ["language", "time_zone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        languages = [(code, translation.get_language_info(code)["name_local"]) for code, _ in settings.LANGUAGES]
        zones = [(name, name.replace("_", " ")) for name in sorted(available_timezones())]
        for field, choices, site in (
            ("language", languages, settings.LANGUAGE_CODE),
            ("time_zone", zones, settings.TIME_ZONE),
        ):
            self.fields[field] = forms.ChoiceField(
                required=False, choices=[("", f"that of the site: {site}"), *choices], label=self.fields[field].label
            )
