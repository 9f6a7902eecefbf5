"""The operator's tools, against the emulation of SageMaker, with the SDK where that is installed."""
