"""The processes: a sentinel and its children, which claim, run and record tasks."""
