"""What ``benchmarks.systems`` is made of: its ledger, and peers that have an interpreter or a training of their own."""
