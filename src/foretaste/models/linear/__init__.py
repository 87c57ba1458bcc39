"""Item-to-item weights learned by regression."""
