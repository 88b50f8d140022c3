"""Satellites."""
