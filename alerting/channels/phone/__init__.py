"""SMS and push messages, through the services that Apprise knows."""
