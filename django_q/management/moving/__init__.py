"""Move in from Django Q or Django Q2: read its tables, write ours, and say what became of each row."""

from django_q.management.moving.move import move, refuse_leased
from django_q.management.moving.plan import RETRY, Plan
from django_q.management.moving.report import Report
from django_q.management.moving.tables import DJANGO_Q, DJANGO_Q2, OldTables, find

__all__ = ["DJANGO_Q", "DJANGO_Q2", "RETRY", "OldTables", "Plan", "Report", "find", "move", "refuse_leased"]
