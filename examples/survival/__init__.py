"""How long patients live after a heart attack: a Cox network."""
