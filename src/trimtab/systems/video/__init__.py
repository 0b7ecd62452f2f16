"""Recommendation: which ranker shows a person the next film."""

from trimtab.systems.video.environment import SYSTEMS, Films

__all__ = ["SYSTEMS", "Films"]
