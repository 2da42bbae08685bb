"""The token and the record of the signed-in user, and the stores that hold them."""
