"""A pretrained policy: what it sees of any training, what it may move, and the weights that were learned in advance."""
