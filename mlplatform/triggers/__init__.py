"""What was seen, against the policy: retrain, or not, and why. Pure."""
