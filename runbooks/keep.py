def keep(run, name, document):
    """Puts what an execution found or did into the evidence bucket, once: what is there already stays. Answers what is there."""
    body = json.dumps(document, indent=2, sort_keys=True, default=str).encode()
    s3 = boto3.client('s3')
    # Not as a parameter, which old versions of boto3 refuse.
    s3.meta.events.register('before-call.s3.PutObject', lambda params, **_: params['headers'].update({'If-None-Match': '*'}))
    try:
        s3.put_object(
            Bucket=run['bucket'], Key=key_of(run, run['execution'], name), Body=body, ContentType='application/json',
            ExpectedBucketOwner=run['account'],
        )
    except ClientError as error:
        if code_of(error) != 'PreconditionFailed':
            raise
    return kept(run, run['execution'], name)
