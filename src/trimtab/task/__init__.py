"""What is trained, and how live settings reach it."""

from trimtab.task.protocol import Goal, Measurement, Progress, Segment, Split, State, Task, Telemetry

__all__ = ["Goal", "Measurement", "Progress", "Segment", "Split", "State", "Task", "Telemetry"]
