"""The device's standing permission: kept, checked by its own rules, used, taken back (ADR 0012)."""
