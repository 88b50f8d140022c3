"""Plug-ins of pytest that our environments hold for tests of ours, and that projects in tests do without."""

#: What PYTEST_ADDOPTS says then: to load them takes seconds at each start.
WITHOUT_OTHERS = "-p no:schemathesis -p no:anyio -p no:hypothesispytest"
