"""The public record of incidents, and the log it is published to."""
