"""What alerting is asked to work out: how a rule would do, now or in the past."""
