"""One evolution in several processes: choice of devices, exchange of fitness, heartbeats, mutations drawn ahead of time."""
