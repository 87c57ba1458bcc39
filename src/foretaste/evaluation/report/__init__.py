"""A leaderboard as a page and as a table."""
