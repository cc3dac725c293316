"""Does served traffic still look like the training data? Pure functions of tables."""
