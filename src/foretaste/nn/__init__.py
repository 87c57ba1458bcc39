"""Neural network layers and losses as pure modules over ragged rows; the tests hold a plain form of each fast one."""
