"""Courses that are exported by user tasks."""
