"""How sure a number is: intervals of one model's metrics, and comparisons of two on the same rows. Pure."""
