"""The customer's side: asks, shows, stops; engine and windows know each other only through `agent.port`."""
