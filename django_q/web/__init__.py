"""What live pages need: events that a browser listens to, and one look at the database for all who watch."""
