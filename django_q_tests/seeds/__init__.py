"""The code blocks of the texts that the examples come from, as they were written."""
