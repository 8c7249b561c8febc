"""What alerting is told: rules, contacts, routes and silences, as they are written in YAML and over the API."""
