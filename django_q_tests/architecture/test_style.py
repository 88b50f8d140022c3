"""The parts of the style guide that a machine can check and ruff does not."""

import ast
from collections.abc import Iterator

from django_q_tests.architecture.source import Source, sources

# Who may ask for the time by himself. All others ask kernel/clock, which tests can hold.
READS_TIME = {
    "kernel/clock.py": "it is the clock",
}
TIME_MODULES = {"time"}
NOW_CALLS = {"now", "utcnow", "today"}
NOW_OWNERS = {"datetime", "date", "timezone", "arrow"}

# The walls: where an exception of any kind must not go any further, and why. An except that ends by raising is no wall.
WALLS: dict[str, str] = {
    "contrib/class_tasks/execution.py": "around the user's task, its stop() and the text of its error",
    "contrib/class_tasks/runner.py": "around the user's handlers of exceptions",
    "contrib/class_tasks/spawning.py": "around a function in a thread, whose error goes to who waits for it",
    "contrib/class_tasks/tasks.py": "around the user's handler of what has ended",
    "contrib/user_tasks/tasks.py": "around the user's text for an error",
    "engine/reporters.py": "somebody else's reporter must not harm the task",
    "cluster/database.py": "around the tick of a role",
    "cluster/launch.py": "around the set-up of Django in a child",
    "cluster/role.py": "around the start of a process",
    "engine/execution.py": "around the user's function, its module and its arguments",
    "engine/failures.py": "around the user's __str__",
    "engine/hooks.py": "around the user's hook",
    "engine/progress.py": "around the user's __str__",
    "engine/recorded.py": "around receivers that write with an outcome",
    "kernel/codec.py": "around the user's __reduce__ and __repr__",
    "management/doctor/machine.py": "around the user's cache",
    "tasks/firing.py": "around what a task does when a schedule enqueues it, lest it hold up the others",
    "tasks/lookup.py": "around the import of the user's module, which may work where the worker is",
}

# The only file whose verbs change the state of a queue row. That of a user task is another one.
ASSIGNS_STATE = {"models/queue.py", "contrib/user_tasks/settling.py"}

# Imports inside functions, and why each has to be there. AppConfig.ready is always allowed: Django demands it.
LATE_IMPORTS: dict[str, str] = {
    "admin/display.py": "arrow takes 3 MB of every process that imports the admin, as clusters do, and pages need it",
    "apps.py": "it is imported before there are models",
    "management/monitor/terminal.py": "blessed reads the environment when it is imported, and only a screen needs it",
    "cluster/channels.py": "fcntl is absent on some systems, and only the size of a buffer needs it",
}


def test_only_the_clock_reads_the_time():
    found = [
        f"{source}:{node.lineno}"
        for source in sources()
        # The examples are what users write, and users have no kernel.
        if source.name not in READS_TIME and not source.name.startswith("examples/")
        for node in source.nodes
        if imports_time(node) or asks_for_now(node, source)
    ]

    assert not found, found


def test_a_broad_except_stands_only_at_the_walls():
    found = [
        f"{source}:{node.lineno}"
        for source in sources()
        if source.name not in WALLS
        for node in source.nodes
        if isinstance(node, ast.ExceptHandler) and is_broad(node.type) and not isinstance(node.body[-1], ast.Raise)
    ]

    assert not found, found


def test_only_the_queue_changes_a_state():
    found = [
        f"{source}:{node.lineno}"
        for source in sources()
        if source.name not in ASSIGNS_STATE
        for node in source.nodes
        if assigns_state(node)
    ]

    assert not found, found


def test_imports_stand_at_the_top_of_the_file():
    found = [
        f"{source}:{node.lineno}"
        for source in sources()
        if source.name not in LATE_IMPORTS
        for node in late_imports(source)
    ]

    assert not found, found


def test_the_allow_lists_name_only_files_that_need_them():
    """A file that has been cleaned up leaves the list, so that it stays clean."""
    names = {source.name: source for source in sources()}
    late = [name for name in LATE_IMPORTS if name not in names or not list(late_imports(names[name]))]

    assert late == []


def imports_time(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name in TIME_MODULES for alias in node.names)
    return isinstance(node, ast.ImportFrom) and node.level == 0 and node.module in TIME_MODULES


def asks_for_now(node: ast.AST, source: Source) -> bool:
    """Is it datetime.now(), datetime.datetime.now(), timezone.now(), …? clock.now() is not."""
    if not (isinstance(node, ast.Attribute) and node.attr in NOW_CALLS):
        return False
    # Satellites may not use the kernel: their clock is Django's.
    owners = NOW_OWNERS - {"timezone"} if source.name.startswith("contrib/") else NOW_OWNERS
    owner = node.value
    name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    return name in owners


def is_broad(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(isinstance(one, ast.Name) and one.id in {"Exception", "BaseException"} for one in kinds)


def assigns_state(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign):
        targets = [node.target]
    else:
        return False
    flat = [one for target in targets for one in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return any(isinstance(target, ast.Attribute) and target.attr == "state" for target in flat)


def late_imports(source: Source) -> Iterator[ast.stmt]:
    for function in ast.walk(source.tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if function.name == "ready" and source.path.name == "apps.py":
            continue
        yield from (node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom))
