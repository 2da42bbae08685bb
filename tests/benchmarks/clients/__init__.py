"""What is measured: a process each, in the environment of the library that it is about."""
