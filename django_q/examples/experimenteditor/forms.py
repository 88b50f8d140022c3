"""What users fill in."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone

from django_q.examples.experimenteditor import bookings
from django_q.examples.experimenteditor.models import REMINDERS, SERIES, Command, Experiment

CommandFormSet = forms.inlineformset_factory(
    Experiment, Command, fields=["delay", "name", "arguments"], extra=5, can_delete=True
)


class ExperimentForm(forms.ModelForm):
    """The title of an experiment; its commands are a formset."""

    class Meta:
        model = Experiment
        fields = ["experiment_title"]


class VisualizeForm(forms.Form):
    """The data series that the results will show."""

    series = forms.MultipleChoiceField(
        choices=list(SERIES.items()), widget=forms.CheckboxSelectMultiple, required=False, label="Show"
    )


class BookingForm(forms.Form):
    """A slot for an experiment; both ends may be left to the vehicle."""

    start = forms.DateTimeField(required=False, help_text="Empty: as soon as possible.")
    end = forms.DateTimeField(required=False, help_text="Empty: with the last command.")
    email_reminder = forms.ChoiceField(
        required=False,
        label="Remind me by mail",
        choices=[("", "no"), *((name, f"{name} before") for name in REMINDERS)],
    )

    def __init__(self, *args: Any, experiment: Experiment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.experiment = experiment
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
        bookings.check_slot(self.experiment, start, end)
        return {**cleaned, "start": start, "end": end}
