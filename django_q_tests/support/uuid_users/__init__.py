"""A project whose users have UUIDs for keys."""
