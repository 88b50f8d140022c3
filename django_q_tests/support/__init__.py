"""What several tests need: servers, databases, patience."""
