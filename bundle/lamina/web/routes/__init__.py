"""What clients can ask for, one subject a file."""
