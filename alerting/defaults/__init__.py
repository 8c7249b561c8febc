"""The rules and the policy that a city begins with."""
