"""What a visitor of the admin does to rows, by mouse and by keyboard."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from playwright.sync_api import Locator, Page, Response

LISTS = ("success", "failure", "ormq", "incarnation", "schedule")
GO = "button[name=index]"  # says "Go", and "Run" since 6.1


# The key that leads to an element from where the focus is; none if it is there.
_WAY = """
(element) => {
    const here = document.activeElement;
    const isBehind = here.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_PRECEDING;
    return element === here ? "" : isBehind && here !== document.body ? "Shift+Tab" : "Tab";
}
"""


@dataclass(frozen=True)
class Deed:
    """An action on one row of the scenery, in the words that stand on the pages."""

    model: str
    row: str
    action: str
    button: str  # of the confirmation
    done: str
    label: str = ""  # on the row's page
    fill: tuple[str, str] = ("", "")  # what else has to be said

    def __str__(self) -> str:
        return self.action.removesuffix("_selected")


REQUEUE = Deed("failure", "tried often", "requeue_selected", "Yes, requeue", "Requeued: 1.", "Requeue")
DELETE = Deed("success", "rich", "delete_selected", "Yes, delete", "Deleted: 1.")
CANCEL = Deed("ormq", "later", "cancel_selected", "Yes, cancel them", "Canceled, or asked to stop: 1.", label="Cancel")
DUPLICATE = Deed("ormq", "later", "duplicate_selected", "Yes, duplicate", "Duplicated: 1.", label="Duplicate")
PRIORITY = Deed(
    "ormq",
    "later",
    "change_priority_selected",
    "Yes, change it",
    "Priority changed: 1.",
    label="Change priority",
    fill=("Priority", "7"),
)
DELETE_QUEUED = Deed("ormq", "later", "delete_selected", "Yes, delete", "Deleted: 1.")
DEEDS = (REQUEUE, DELETE, CANCEL, DUPLICATE, PRIORITY, DELETE_QUEUED)


class Mouse:
    """Somebody who points."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def tick(self, box: Locator) -> None:
        box.check()

    def select(self, choice: Locator, value: str) -> None:
        choice.select_option(value)

    def press(self, button: Locator) -> None:
        button.click()

    def write(self, field: Locator, text: str) -> None:
        field.fill(text)


class Keyboard:
    """Somebody without a mouse: goes from one stop to the next, and sees where."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, target: Locator) -> None:
        target.wait_for()
        for _ in range(200):
            way = target.evaluate(_WAY)
            if not way:
                return
            self.page.keyboard.press(way)
        raise AssertionError(f"{target} cannot be reached with Tab")

    def tick(self, box: Locator) -> None:
        self.reach(box)
        self.page.keyboard.press("Space")

    def select(self, choice: Locator, value: str) -> None:
        self.reach(choice)
        for _ in range(choice.locator("option").count()):
            if choice.input_value() == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{value!r} is not offered")

    def press(self, button: Locator) -> None:
        self.reach(button)
        self.page.keyboard.press("Enter")

    def write(self, field: Locator, text: str) -> None:
        self.reach(field)
        self.page.keyboard.type(text)


def list_of(model: str) -> str:
    return reverse(f"admin:django_q_{model}_changelist")


def page_of(model: str, id: str) -> str:
    return reverse(f"admin:django_q_{model}_change", args=[id])


def actions_on(page: Page) -> list[str]:
    """Return the names of the actions that a list offers."""
    options = page.locator("select[name=action] option").evaluate_all("all => all.map(option => option.value)")
    return [name for name in options if name]


def choose(hand: Any, action: str, id: str) -> Response:
    """Tick a row of the list, choose an action and go; return the answer."""
    page = hand.page
    hand.tick(page.locator(f"input.action-select[value='{id}']"))
    hand.select(page.locator("select[name=action]"), action)
    with page.expect_response(lambda answer: answer.request.method == "POST") as answer:
        hand.press(page.locator(GO))
    page.wait_for_load_state()
    return answer.value


def confirm(hand: Any, deed: Deed) -> None:
    """Answer the question that a deed asks."""
    label, text = deed.fill
    if label:
        hand.write(hand.page.get_by_label(label), text)
    hand.press(hand.page.get_by_role("button", name=deed.button))
