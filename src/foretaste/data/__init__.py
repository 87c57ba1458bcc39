"""Data sets: files and logs in, events, items, users and impressions as arrays of codes out; checks and splits."""
