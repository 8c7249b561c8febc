"""What alerting is told: rules, contacts and the policy."""
