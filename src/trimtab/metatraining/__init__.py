"""How a policy learns: many small trainings at a time, drawn from a wide distribution, steered by an agent that explores."""
