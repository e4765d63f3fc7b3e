"""What the relay counts. Numbers only: no ids of people, no content."""

from beistand.telemetry import meter

VIEWERS = meter.create_up_down_counter("beistand.relay.viewers", description="Viewer sockets being served")
REFUSED = meter.create_counter("beistand.relay.refused", description="Viewers refused, by error code")
STOPPED = meter.create_counter(
    "beistand.relay.stopped", description="Streams stopped, by error code and cause"
)
FRAMES = meter.create_counter("beistand.relay.frames", description="Frame chunks from agents, by outcome")
INPUT = meter.create_counter("beistand.relay.input", description="Input messages from viewers, by outcome")
INVALID = meter.create_counter("beistand.relay.invalid", description="Messages not understood, by sender")
