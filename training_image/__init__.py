"""What a training job runs: the SageMaker contract, data, adaptation, guard and report."""
