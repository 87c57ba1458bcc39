"""Commands that show what there is: models, public data sets, published tables, this machine."""
