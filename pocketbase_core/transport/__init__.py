"""The kit for adapters: one attempt to have a request answered, from its encoded body to the decompressed response."""
