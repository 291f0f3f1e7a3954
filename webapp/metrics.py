"""What `/metrics` counts. A registry of our own: nothing but these."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

OPEN_STREAMS = Gauge("examhall_open_streams", "Streams open in this process", registry=REGISTRY)
NOTICES_HANDED_OUT = Counter("examhall_notices_handed_out", "Notices given to open streams", registry=REGISTRY)
MESSAGES_SENT = Counter("examhall_messages_sent", "Sendings committed by this process", registry=REGISTRY)
DELIVERIES = Counter("examhall_deliveries", "Deliveries committed by this process", registry=REGISTRY)
PRESENCE_BATCH = Histogram(
    "examhall_presence_batch", "People per presence batch", registry=REGISTRY, buckets=(1, 10, 100, 1000, 10000)
)
BUS_AWAY = Gauge("examhall_bus_away", "1 while Redis does not answer this process", registry=REGISTRY)
SWEEP_AT = Gauge("examhall_sweep_timestamp_seconds", "When messages were last swept", registry=REGISTRY)
REQUESTS = Histogram(
    "examhall_request_seconds",
    "Time to answer, streams left out",
    ["endpoint", "status"],
    registry=REGISTRY,
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
