"""Limits of one request."""

MAX_N = 500
"""Most items of one list."""
MAX_EVENTS = 1_000
"""Most events of one request."""
MAX_TEXT = 256
"""Most characters of an id."""
MAX_BATCH = 100
"""Most users of one batch request."""
MAX_LIKES = 50
"""Most liked labels of one guest request."""
MAX_CHOSEN = 200
"""Most chosen items, and most seen items, of one onboarding request."""
MAX_ASKED = 100
"""Most items, and most labels, of one onboarding response."""
MAX_DEPTH = 16
"""Deepest nesting of a JSON body."""
