"""One thin class for each resource: builds a call, has it executed, keeps the auth store in step."""
