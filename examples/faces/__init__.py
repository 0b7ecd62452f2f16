"""Faces from twenty pictures, by a net that was pretrained to find faces."""
