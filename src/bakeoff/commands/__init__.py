"""What a person asks beside training."""
