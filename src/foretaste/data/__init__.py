"""From names to arrays: ids, items, events, splits and where they come from."""
