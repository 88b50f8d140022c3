"""An application that has class tasks."""
