"""The fields of the examples: how each is tuned, and what came of it."""
