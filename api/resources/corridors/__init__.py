"""Roads from end to end: travel times, reliability, the picture of queues by time and place."""
