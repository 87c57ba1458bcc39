"""Linear item-to-item models learned by regression."""
