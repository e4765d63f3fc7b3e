"""The laws of Beistand as black-box cases, through the public doors of a running deployment only.

NATS as a customer's device with a join ticket, HTTP and WebSocket as a technician; nothing from inside.
`beistand conformance` and the tests run the same cases.
"""
