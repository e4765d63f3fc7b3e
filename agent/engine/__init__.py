"""The agent without its windows: consent guard, gate, chain of records, link, picture and input."""
