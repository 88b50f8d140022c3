"""Satellites: each can be left out, and none knows another."""
