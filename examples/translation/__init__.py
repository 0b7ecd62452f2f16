"""From German to English: captions of Multi30k."""
