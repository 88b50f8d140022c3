"""A link that logs somebody in and works once."""

from typing import Any

from django.contrib.auth import get_user_model, login
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET


class Tokens(PasswordResetTokenGenerator):
    """Signed tokens that any login makes void: the moment of the last one is part of what is signed."""

    key_salt = "django_q.examples.project.entrance"

    def _make_hash_value(self, user: Any, timestamp: int) -> str:
        # Django leaves the microseconds out, so that a link would work for the rest of a second.
        return f"{user.pk} {user.password} {user.last_login} {timestamp}"


tokens = Tokens()


def path_for(user: Any) -> str:
    """Return the path that logs a user in, once."""
    return reverse("enter", args=[user.pk, tokens.make_token(user)])


@never_cache
@require_GET
def enter(request: HttpRequest, pk: int, token: str) -> HttpResponse:
    """Log a user in, if the link has not been used."""
    with transaction.atomic():
        # The lock decides which of two visitors is the first; on SQLite the transaction itself does.
        user = get_user_model().objects.select_for_update().filter(pk=pk).first()
        is_good = user is not None and tokens.check_token(user, token)
        if is_good:
            login(request, user)
    return redirect("experimenteditor:experiments") if is_good else render(request, "project/used.html", status=410)
