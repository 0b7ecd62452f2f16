"""Commands that measure what trimtab claims: ``python -m benchmarks.NAME [--quick] [--json FILE]``."""
