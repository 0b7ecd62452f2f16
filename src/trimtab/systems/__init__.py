"""Systems to run: environments on real simulators, with the rules that practitioners trust. Nothing here knows of agents."""

from trimtab.systems.contract import SystemContract
from trimtab.systems.registry import find, systems
from trimtab.systems.system import Act, Rule, Split, System, simulator

__all__ = ["Act", "Rule", "Split", "System", "SystemContract", "find", "simulator", "systems"]
