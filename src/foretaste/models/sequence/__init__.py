"""Sequence models: networks that read a history in order and predict the next item."""
