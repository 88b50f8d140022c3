"""The way through a list by years, months and days."""

import re
from datetime import datetime, timedelta
from urllib.parse import parse_qs, unquote

import pytest
from django.utils import timezone
from django.utils.html import strip_tags

from django_q.models import Task
from django_q_tests.support.admin import page, statements, succeed, text_of

pytestmark = pytest.mark.django_db


def ended(*moments):
    """Let a task have ended at each of these moments, in the zone of the site."""
    for moment in moments:
        stopped = datetime.fromisoformat(moment)
        zoned = timezone.make_aware(stopped) if timezone.is_aware(timezone.now()) else stopped
        Task.objects.filter(pk=succeed(1, 2, task_name=moment)).update(stopped=zoned)


def navigation(response):
    """Return the links of the navigation by their text."""
    found = re.search(r'<nav class="django-q-dates".*?</nav>', text_of(response), re.DOTALL)
    if not found:
        return {}
    links = re.findall(r'<a href="([^"]*)">(.*?)</a>', found[0])
    return {strip_tags(text).replace("&lsaquo;", "").strip(): href.replace("&amp;", "&") for href, text in links}


def names(response):
    return set(re.findall(r'field-name"><a [^>]*>(.*?)</a>', text_of(response)))


def test_years_lead_to_months_and_months_to_days(boss):
    ended("2024-12-31T23:59:59", "2025-01-01T00:00:00", "2025-03-31T10:00:00", "2026-02-01T00:00:00")

    years = navigation(page(boss, "success"))
    months = navigation(page(boss, "success", years["2025"]))
    days = navigation(page(boss, "success", months["March 2025"]))
    day = page(boss, "success", days["March 31"])

    assert list(years) == ["2024", "2025", "2026"]
    assert list(months) == ["All dates", "January 2025", "February 2025", "March 2025"]
    assert list(days) == ["2025", "March 31"]
    assert names(page(boss, "success", years["2025"])) == {"2025-01-01T00:00:00", "2025-03-31T10:00:00"}
    assert names(day) == {"2025-03-31T10:00:00"}
    assert list(navigation(day)) == ["March 2025"]


def test_what_lies_in_one_year_begins_with_its_months_and_in_one_month_with_its_days(boss):
    ended("2026-02-03T10:00:00", "2026-02-05T10:00:00")
    in_a_month = navigation(page(boss, "success"))
    ended("2026-04-05T10:00:00")

    assert list(in_a_month) == ["February 3", "February 4", "February 5"]
    assert list(navigation(page(boss, "success"))) == ["February 2026", "March 2026", "April 2026"]


def test_an_empty_list_has_no_navigation(boss):
    assert navigation(page(boss, "success")) == {}


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York"])
def test_a_day_begins_at_midnight_of_the_sites_zone(boss, settings, zone):
    settings.TIME_ZONE = zone
    with timezone.override(zone):
        ended("2026-03-07T23:59:59", "2026-03-08T00:00:00", "2026-03-08T23:59:59", "2026-03-09T00:00:00")
        days = navigation(page(boss, "success"))  # in New York a day of 23 hours

        assert list(days) == ["March 7", "March 8", "March 9"]
        assert names(page(boss, "success", days["March 8"])) == {"2026-03-08T00:00:00", "2026-03-08T23:59:59"}
        assert list(navigation(page(boss, "success", days["March 8"]))) == ["March 2026"]


def test_without_time_zones_the_days_are_those_that_are_stored(boss, settings):
    settings.USE_TZ = False
    ended("2026-03-07T23:59:59", "2026-03-08T00:00:00")

    days = navigation(page(boss, "success"))

    assert parse_qs(unquote(days["March 8"].lstrip("?")))["stopped__gte"] == ["2026-03-08T00:00:00"]
    assert names(page(boss, "success", days["March 8"])) == {"2026-03-08T00:00:00"}


def test_dates_and_filters_go_together(boss):
    ended("2025-01-01T00:00:00", "2026-02-01T00:00:00")

    years = navigation(page(boss, "success", "?queue=default"))

    assert years["2025"].startswith("?queue=default&stopped__gte=2025")
    assert names(page(boss, "success", years["2025"])) == {"2025-01-01T00:00:00"}
    assert names(page(boss, "success", years["2025"].replace("default", "other"))) == set()


def test_the_periods_beside_the_list_choose_the_same(boss):
    today = timezone.localtime().replace(microsecond=0, tzinfo=None)
    ended(today.isoformat(), (today - timedelta(days=30)).isoformat())

    week = re.search(r'<a href="([^"]*)">Past 7 days', text_of(page(boss, "success")))[1].replace("&amp;", "&")

    assert names(page(boss, "success", week)) == {today.isoformat()}


@pytest.mark.parametrize("value", ["yesterday", "0001-01-01", "9999-12-31", "2026-13-01", "%00"])
def test_what_is_no_date_is_refused_kindly(boss, value):
    answer = page(boss, "success", f"?stopped__gte={value}", follow=True)

    assert answer.status_code == 200
    assert answer.redirect_chain or value in ("0001-01-01",)


def test_a_date_may_be_written_by_hand(boss):
    ended("2025-06-01T12:00:00", "2026-02-01T00:00:00")

    assert names(page(boss, "success", "?stopped__gte=2025-06-01&stopped__lt=2025-06-02")) == {"2025-06-01T12:00:00"}


def test_the_navigation_asks_for_the_first_and_the_last_only(boss):
    ended("2024-01-01T00:00:00", "2026-02-01T00:00:00")

    asked = [sql for sql in statements(boss, "/admin/django_q/success/") if "LIMIT 1" in sql and "stopped" in sql]

    assert len([sql for sql in asked if sql.endswith("LIMIT 1")]) == 2
