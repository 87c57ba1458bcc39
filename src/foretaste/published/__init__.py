"""Published benchmark tables, reproduced."""
