"""All of it can be done with the keyboard alone, and one sees where one is."""

import pytest
from django.urls import reverse

from django_q_tests.browser.deeds import list_of
from django_q_tests.browser.test_pages import summaries

# How an element looks while it has the focus and while it has not, as far as a style can tell.
_REMEMBER_LOOKS = """
() => {
    const properties = ["outlineStyle", "outlineWidth", "outlineColor", "boxShadow", "borderTopColor",
                        "backgroundColor", "color", "textDecorationLine"];
    window.lookOf = (element) => properties.map((name) => getComputedStyle(element)[name]).join();
    const places = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
    window.looks = new Map([...document.querySelectorAll("#content :is(" + places + ")")]
        .filter((element) => element.checkVisibility({visibilityProperty: true}) && !element.disabled)
        .map((element) => [element, lookOf(element)]));
}
"""
_LOOK_AROUND = """
() => {
    const element = document.activeElement;
    document.getAnimations().forEach((animation) => animation.finish());
    const before = looks.get(element);
    looks.delete(element);
    return {left: looks.size, seen: before === undefined || before !== lookOf(element), html: element.outerHTML};
}
"""


def invisible_stops(page):
    """Walk through the page's content with Tab; return where the focus is not seen, and what it does not reach."""
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the link that skips the navigation
    page.evaluate(_REMEMBER_LOOKS)
    invisible, left = [], page.evaluate("() => looks.size")
    for _ in range(left + 40):  # some stops lie outside of the content
        page.keyboard.press("Tab")
        stop = page.evaluate(_LOOK_AROUND)
        invisible += [] if stop["seen"] else [stop["html"][:200]]
        if not stop["left"]:
            return invisible, []
    return invisible, page.evaluate("() => [...looks.keys()].map((element) => element.outerHTML.slice(0, 200))")


@pytest.mark.parametrize("model", ["success", "failure", "ormq", "incarnation"])
def test_the_focus_goes_everywhere_and_is_seen(boss, scenery, model):
    rows = {
        "success": scenery.succeeded["rich"],
        "failure": scenery.failed["tried often"],
        "ormq": scenery.queued["retried"],
        "incarnation": scenery.clusters["lively"],
    }

    for path in (list_of(model), reverse(f"admin:django_q_{model}_change", args=[rows[model]])):
        assert invisible_stops(boss.open(path)) == ([], []), path


def test_the_focus_is_seen_on_pages_about_many_tasks(boss, scenery):
    for path in summaries(scenery):
        assert invisible_stops(boss.open(path)) == ([], []), path
