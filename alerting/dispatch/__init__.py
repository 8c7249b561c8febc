"""From alerts to notifications: routes, groups, silences, inhibitions, repeats, escalation; one step a module."""
