"""Screens that show in a terminal how it stands: pure functions from a state to lines, and a thin layer that draws."""
