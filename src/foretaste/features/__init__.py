"""Features of items and users as vectors: texts, images, videos, columns, external vectors; cached by content."""
