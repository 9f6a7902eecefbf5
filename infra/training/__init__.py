"""An operator's tools for training jobs, on SageMaker's SDK: run by hand, watch, list, cost, retry."""
