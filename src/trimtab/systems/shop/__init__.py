"""Recommendation: rankings for VirtualTaobao's shoppers."""

from trimtab.systems.shop.environment import SYSTEMS, Shop

__all__ = ["SYSTEMS", "Shop"]
