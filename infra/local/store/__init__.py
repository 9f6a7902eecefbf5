"""S3, DynamoDB and SQS on one machine, behind a journal."""
