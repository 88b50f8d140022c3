"""What happens to one task: it is executed, and what became of it is recorded."""
