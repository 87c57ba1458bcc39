"""One reader per public data set: its raw files in, tables of events, items and users out."""
