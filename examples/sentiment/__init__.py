"""Whether a sentence of a film review praises or blames."""
