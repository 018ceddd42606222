"""The pages on the whole record: browsing, counting, comparing, and what the node says of itself."""
