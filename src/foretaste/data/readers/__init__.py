"""Files, databases and frames as tables of text, part by part."""
