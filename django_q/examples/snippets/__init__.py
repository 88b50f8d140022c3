"""The examples of the documentation, with the names and the code of the texts they come from."""
