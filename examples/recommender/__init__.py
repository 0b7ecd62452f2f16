"""Which film a person will watch next: MovieLens-100k."""
