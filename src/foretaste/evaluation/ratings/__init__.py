"""Rating prediction: cross-validation and its leaderboard."""
