import hashlib
import json

import boto3
from botocore.exceptions import ClientError


def kept(run, execution, name):
    """(document, its SHA-256) as an execution of this runbook put it into the evidence bucket; (None, None) if it did not."""
    key = key_of(run, execution, name)
    try:
        answer = boto3.client('s3').get_object(Bucket=run['bucket'], Key=key, ExpectedBucketOwner=run['account'])
    except ClientError as error:
        if code_of(error) != 'NoSuchKey':
            raise
        return None, None
    body = answer['Body'].read()
    return json.loads(body), hashlib.sha256(body).hexdigest()


def key_of(run, execution, name):
    return f"{run['runbook']}/{execution}/{name}"


def code_of(error):
    return error.response['Error']['Code']
