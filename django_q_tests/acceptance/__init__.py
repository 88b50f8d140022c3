"""What Django Q promises, statement by statement, asked of us and of the real Django Q2."""
