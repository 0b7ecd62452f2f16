"""A model of one's own as the start of another training: from MNIST's digits to 200 of another collection."""
