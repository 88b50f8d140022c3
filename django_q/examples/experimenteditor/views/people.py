"""Pages about the user: what he was told, and how he wants to be spoken to."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from django_q.examples.experimenteditor.forms import PreferencesForm
from django_q.examples.experimenteditor.models import Notification, Preferences
from django_q.examples.experimenteditor.views.access import UserRequest, member

_PER_PAGE = 50


@member
def news(request: UserRequest) -> HttpResponse:
    """List all notifications, the newest first."""
    pages = Paginator(Notification.objects.filter(recipient=request.user), _PER_PAGE)
    return render(request, "experimenteditor/news.html", {"page": pages.get_page(request.GET.get("page"))})


@require_POST
@member
def read_news(request: UserRequest, pk: int | None = None) -> HttpResponse:
    """Put one notification away, or all; go back to the page on which that was done."""
    unread = Notification.objects.filter(recipient=request.user, unread=True)
    (unread if pk is None else unread.filter(pk=pk)).update(unread=False)
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=False)
    return redirect(back if is_ours else reverse("experimenteditor:experiments"))


@member
def preferences(request: UserRequest) -> HttpResponse:
    """Choose language and time zone."""
    chosen = Preferences.objects.filter(user=request.user).first() or Preferences(user=request.user)
    form = PreferencesForm(request.POST or None, instance=chosen)
    if request.method == "POST" and form.is_valid():
        Preferences.objects.update_or_create(user=request.user, defaults=form.cleaned_data)
        return redirect("experimenteditor:preferences")
    return render(request, "experimenteditor/preferences.html", {"form": form})
