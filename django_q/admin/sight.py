"""What a viewer may see on the pages that are about several models: what their own pages would show him."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from django_q.models import Failure, Incarnation, OrmQ, Success

_MEDIA = forms.Media(css={"all": ["django_q/admin.css", "django_q/pages.css"]})


@dataclass(frozen=True)
class Sight:
    """A viewer, and the site that he looks at."""

    site: AdminSite
    request: HttpRequest

    def sees(self, model: type[Model]) -> bool:
        """May he see rows of this model? A model that the site does not show stays hidden here too."""
        found = self.site._registry.get(model)
        return found is not None and found.has_view_permission(self.request)

    @cached_property
    def queue(self) -> bool:
        """May he see what has not ended?"""
        return self.sees(OrmQ)

    @cached_property
    def successes(self) -> bool:
        """May he see what succeeded?"""
        return self.sees(Success)

    @cached_property
    def failures(self) -> bool:
        """May he see what did not succeed?"""
        return self.sees(Failure)

    @cached_property
    def clusters(self) -> bool:
        """May he see the clusters?"""
        return self.sees(Incarnation)

    @property
    def tasks(self) -> bool:
        """May he see any tasks?"""
        return self.queue or self.successes or self.failures

    @property
    def everything(self) -> bool:
        """May he see tasks whatever became of them?"""
        return self.queue and self.successes and self.failures

    def demand(self, allowed: bool) -> None:
        """Refuse the page to who may see nothing of it."""
        if not allowed:
            raise PermissionDenied

    def link(self, model: type[Model], pk: str, text: object) -> SafeString | str:
        """Return a link to the page of a row, the bare text for who may not see it."""
        if not self.sees(model):
            return str(text)
        return format_html('<a href="{}">{}</a>', self._address(model, "change", pk), text)

    def list_of(self, model: type[Model], query: str = "") -> str:
        """Return the address of a list; empty for who may not see it."""
        return self._address(model, "changelist") + query if self.sees(model) else ""

    def page(self, title: Any, **content: Any) -> dict[str, Any]:
        """Return the context of a page of this site."""
        self.request.current_app = self.site.name
        return {**self.site.each_context(self.request), "media": _MEDIA, "title": title, "sight": self, **content}

    def _address(self, model: type[Model], page: str, *args: str) -> str:
        return reverse(f"admin:django_q_{model._meta.model_name}_{page}", args=args, current_app=self.site.name)
