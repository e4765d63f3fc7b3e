"""What the relay counts. Numbers only: no ids of people, no content."""

from opentelemetry import metrics

_METER = metrics.get_meter("beistand.relay")

VIEWERS = _METER.create_up_down_counter("beistand.relay.viewers", description="Viewer sockets being served")
REFUSED = _METER.create_counter("beistand.relay.refused", description="Viewers refused, by error code")
STOPPED = _METER.create_counter(
    "beistand.relay.stopped", description="Streams stopped, by error code and cause"
)
FRAMES = _METER.create_counter("beistand.relay.frames", description="Frame chunks from agents, by outcome")
INPUT = _METER.create_counter("beistand.relay.input", description="Input messages from viewers, by outcome")
INVALID = _METER.create_counter("beistand.relay.invalid", description="Messages not understood, by sender")
