"""Many records: written in batches, exported, and imported."""
