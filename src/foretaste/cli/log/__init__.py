"""Commands that keep, move and erase what is in the log."""
