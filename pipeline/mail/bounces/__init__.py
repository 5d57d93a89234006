"""What comes back: bounces, complaints, automatic replies. `codes.classify` tells what a refusal means."""
