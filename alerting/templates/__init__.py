"""What messages say: rules' titles filled in (`fill`), and each channel's templates (`pages`)."""

from alerting.templates.filling import fill

__all__ = ["fill"]
