"""Receivers of signals, in every process of the project."""
