"""Agents that run a system: one for each knob, learning over episodes, in a study that is kept like any other."""
