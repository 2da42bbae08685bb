"""Models of a server's collections, as Python source."""
