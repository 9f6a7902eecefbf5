"""What a recognition request asks for, and which models serve it. Imports no engine."""
