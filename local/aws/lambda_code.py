"""AWS Lambda: where a function's deployment package is.

Fact supplied, where moto differs: `Code.Location` of GetFunction is an address that answers the package.
https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCodeLocation.html
"""

import os

from moto.awslambda.models import LambdaFunction, lambda_backends
from werkzeug.wrappers import Response

from doors import PREFIX, door

get_code_as_moto = LambdaFunction.get_code


@door('GET', '/packages/<account>/<region>/<name>')
def read_package(request, account: str, region: str, name: str):
    """A door of the embedded cloud, not of AWS: the zip file of a function; `Code.Location` points here."""
    function = lambda_backends[account][region].get_function(name)
    return Response(function.code_bytes, content_type='application/zip')


def get_code(function: LambdaFunction) -> dict:
    """Replaces LambdaFunction.get_code."""
    answer = get_code_as_moto(function)
    if function.package_type != 'Image':
        path = f'{PREFIX}/packages/{function.account_id}/{function.region}/{function.function_name}'
        answer['Code'] = {'RepositoryType': 'S3', 'Location': f'http://127.0.0.1:{os.environ["MOTO_PORT"]}{path}'}
    return answer


LambdaFunction.get_code = get_code
