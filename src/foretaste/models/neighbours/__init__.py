"""Who took this also took that: similarities, walks and rules."""
