"""The four services; none imports another, they talk over NATS only."""
