"""Deploys the service into an AWS account, tries it there, and takes it away again."""
