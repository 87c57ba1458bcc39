"""How much one request may ask for."""

MAX_N = 500
"""The longest list anybody may ask for."""
MAX_EVENTS = 1_000
"""The most events of one request."""
MAX_TEXT = 256
"""The longest id, in characters."""
MAX_BATCH = 100
"""The most people one request may ask for."""
MAX_LIKES = 50
"""The most labels one guest may say they like."""
MAX_CHOSEN = 200
"""The most items one question of the onboarding may name as chosen, and as seen."""
MAX_ASKED = 100
"""The most items, and labels, that somebody new is asked about at once."""
MAX_DEPTH = 16
"""How deep a JSON body may nest."""
