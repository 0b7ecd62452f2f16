"""Tables that the trainings of the shipped policy did not read, and what their users would otherwise fit to them."""
