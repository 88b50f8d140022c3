"""The examples that ship with the package."""
