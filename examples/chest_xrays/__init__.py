"""Pneumonia on chest X-rays: a class-balanced subset of PneumoniaMNIST."""
