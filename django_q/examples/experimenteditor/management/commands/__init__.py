"""The commands of the experiment editor."""
