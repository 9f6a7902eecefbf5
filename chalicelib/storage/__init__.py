"""The DynamoDB tables and the S3 layout: the only place that knows them."""
