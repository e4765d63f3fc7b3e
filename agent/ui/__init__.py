"""The customer's windows: the only door to Qt. Knows the engine through agent.port alone, and no network."""
