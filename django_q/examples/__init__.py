"""What the documentation shows and `make demo` runs."""
