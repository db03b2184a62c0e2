"""The AWS JSON 1.1 protocol of KMS: what a request body may be, what an answer looks like (spec/aws-json.md).

``shapes`` is generated from the service model; ``decoding`` turns bytes into one of its requests or a ServiceError;
``rendering`` turns answers and errors into bytes. Functions of values: front end and security module decode the same
signed bytes with the same code.
"""
