"""How good is it? Questions with known answers, measures with intervals, a leaderboard."""
