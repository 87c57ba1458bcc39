"""The leaderboard as an HTML page and as a terminal table."""
