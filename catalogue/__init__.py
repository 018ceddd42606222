"""Open models: their identity, and what the hubs say about them."""
