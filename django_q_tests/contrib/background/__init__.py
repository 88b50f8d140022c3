"""The decorator @background and its rows."""
