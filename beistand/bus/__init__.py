"""The NATS adapter: connect, services API, state with compare-and-set, streams, callout, embedded server.

Knows subjects and messages of the contract; knows nothing of what any service decides.
"""
