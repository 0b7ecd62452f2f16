"""Handwritten digits as pictures: MNIST, 5,000 of them, with augmentation as a knob."""
