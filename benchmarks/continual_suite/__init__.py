"""Streams of real data in the order of their time, and what people do with such streams."""
