"""User tasks: rows, states, containers, artifacts, and what becomes of them in a cluster."""
