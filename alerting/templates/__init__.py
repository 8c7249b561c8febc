"""What messages say: rules' titles filled in (`fill`), and each channel's templates (`pages`)."""

from alerting.templates.filling import About, fill

__all__ = ["About", "fill"]
