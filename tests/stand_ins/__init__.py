"""Other people's services, made up, over real HTTP."""
