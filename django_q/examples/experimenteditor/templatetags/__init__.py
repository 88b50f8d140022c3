"""What the templates of the editor can use."""
