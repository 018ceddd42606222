"""Files from strangers: what one is, by its bytes alone, and the same made anew without what nobody meant to send."""
