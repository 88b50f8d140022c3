"""Move in from another package: read its tables, write ours, and say what became of each row.

What moves from which package is registered in :mod:`~django_q.management.moving.sources`.
"""
