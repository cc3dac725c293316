"""How fast the trainer is on a GPU, against what the same GPU reaches on products and copies alone."""
