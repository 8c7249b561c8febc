"""Slack: Block Kit, through an incoming webhook, or as an app that updates its messages once all is over."""
