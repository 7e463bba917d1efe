"""What a person asks beside training: status, plan, check, doctor, compare, predict."""
