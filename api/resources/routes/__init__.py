"""The fastest ways from one place to another over the links, as traffic is expected to be on the way."""
