"""The tests of django_q."""
