"""How soon REST answers, alone against its bare SQL and under a mix of requests."""
