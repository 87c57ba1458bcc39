"""From a question to a list: names in, names out, and nothing of HTTP."""
