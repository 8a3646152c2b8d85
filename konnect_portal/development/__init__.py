"""What a fresh machine needs to try and test the portal; nothing here runs in production."""
