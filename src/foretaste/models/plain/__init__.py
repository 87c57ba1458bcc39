"""Non-personalised baselines (random, popular, trending), and popularity by user attributes (demographic)."""
