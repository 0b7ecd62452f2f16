"""Blood cells in pictures from a microscope: where they are, and of which kind."""
