"""How fast a network is trained on this machine, beside PyTorch and scikit-learn."""
