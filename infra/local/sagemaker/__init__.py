"""SageMaker's training jobs on one machine."""
