"""Records as classes of the user's own."""
