"""Other nodes. So far a node only says who it is; exchange comes with peers."""
