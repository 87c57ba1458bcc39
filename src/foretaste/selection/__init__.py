"""Model selection on validation: which models fit the data, their settings, their merge weights."""
