"""Which calls of AWS each function makes, and which its role grants."""
