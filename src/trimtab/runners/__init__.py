"""Where segments run: in this process, or in worker processes that may be lost."""

from trimtab.runners.execute import StateCache, run_segment
from trimtab.runners.inline import InlineRunner
from trimtab.runners.processes import ProcessRunner
from trimtab.runners.protocol import Outcome, Runner

__all__ = ["InlineRunner", "Outcome", "ProcessRunner", "Runner", "StateCache", "run_segment"]
