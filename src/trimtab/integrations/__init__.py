"""Ways in and out of trimtab for other tools. Each needs its tool only when it is used."""
