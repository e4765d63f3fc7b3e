"""Beistand: remote support in which the customer controls the session, and can prove it."""

from beistand.late import late

# nats-py imports it for wss:// alone: 11 MiB of every process.
late("aiohttp")
