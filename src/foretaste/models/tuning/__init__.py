"""A pretrained language model is taught the words of one catalogue, and what its people take together."""
