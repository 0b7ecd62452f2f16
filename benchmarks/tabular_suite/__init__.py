"""Tables that none of the shipped policy's trainings read, and what their users would otherwise fit to them."""
