"""Every page, for whoever may see it: nothing breaks, nobody is shut out, no link leads nowhere."""

from django.contrib import admin
from django.urls import URLResolver, reverse

from django_q_tests.browser import crawl
from django_q_tests.browser.deeds import list_of
from django_q_tests.browser.scenery import GROUP

# Views without a page of their own: nobody adds a row by hand, and who may delete one may not delete a cluster.
NO_PAGES = {"django_q_success_add", "django_q_failure_add", "django_q_ormq_add", "django_q_incarnation_add"}
NO_PAGES |= {"django_q_incarnation_delete"}


def rows(scenery):
    """Return the addresses of one row of each kind and state."""
    models = {
        "success": scenery.succeeded,
        "failure": scenery.failed,
        "ormq": scenery.queued,
        "incarnation": scenery.clusters,
        "schedule": scenery.schedules,
    }
    return [
        reverse(f"admin:django_q_{model}_change", args=[id])
        for model, made in models.items()
        for name, id in made.items()
        if not name[-1].isdecimal()  # of those with a number there are many alike
    ]


def summaries(scenery):
    """Return the addresses of the pages that are about many tasks."""
    group = reverse("admin:django_q_group", args=[GROUP])
    return [reverse("admin:django_q_dashboard"), group, reverse("admin:django_q_chain", args=[scenery.chain])]


def lists():
    """Return the addresses of the lists as they look when they were told something."""
    told = {
        "success": "_facets=True",
        "failure": "reason=error",
        "ormq": "q=no-such-thing",
        "incarnation": "life=living",
        "schedule": "state=active",
    }
    return [f"{list_of(model)}?{query}" for model, query in told.items()]


# The pages of the satellites are visited by test_satellites, those of the example by test_experiments.
ELSEWHERE = (
    "django_q_background_",
    "django_q_class_tasks_",
    "django_q_publish_",
    "django_q_user_tasks_",
    "django_q_experimenteditor_",
)


def views_of_ours(patterns):
    """Return the names of all views that the admin has because of the core."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from views_of_ours(pattern.url_patterns)
        elif (pattern.name or "").startswith("django_q_") and not pattern.name.startswith(ELSEWHERE):
            yield pattern.name


def test_everybody_can_use_every_page_that_he_may_see(boss, scenery):
    found = set()
    views = set(views_of_ours(admin.site.get_urls())) - NO_PAGES

    for path in crawl.pages(boss, crawl.ROOT, *summaries(scenery), *rows(scenery), *lists()):
        view = crawl.kind_of(path)[0].removeprefix("admin:")
        boss.audit(*(("light", "dark") if view in views else ("light",)))
        views.discard(view)
        found.update(crawl.links(boss))

    assert crawl.rotten(boss, found) == []
    assert views == set(), "no link leads there, and no test does"
