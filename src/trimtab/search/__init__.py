"""Which node of the tree gets the next segment."""
