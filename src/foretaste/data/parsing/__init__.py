"""From the text of a file to typed values: numbers, lists, booleans, times."""
