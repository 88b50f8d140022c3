"""Tests of class tasks."""
