"""What people sent us, and what moderators make of it. Private: nothing public can import this."""
