"""What runbooks ask of AWS's SDK for Python, which Automation makes its calls with, and which its scripts use.

Reads from standard input {"calls": [{"service", "operation", "input"}], "scripts": [{"source", "handler"}]} and writes
{"calls": [...], "scripts": [...]}, for each in its order {"faults": [{"wrong", "write"}], "operations": [[prefix, name]]}:
the operations it makes, by the prefix that IAM has for the service.
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeAwsApi.html
https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeScript.html
"""

import ast
import difflib
import json
import re
import sys
from functools import cache

import botocore.session
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.model import ServiceModel

REFERENCE = re.compile(r'\{\{[^{}]*\}\}')
SESSION = botocore.session.get_session()
# Where IAM does not call a service what requests are signed for.
PREFIXES = {'monitoring': 'cloudwatch'}
# Methods of every client that call nothing by themselves, or not what they are called.
OF_CLIENTS = {'exceptions', 'meta', 'can_paginate', 'close', 'generate_presigned_url', 'get_paginator', 'get_waiter'}


@cache
def service_model(service: str) -> ServiceModel | None:
    try:
        return SESSION.get_service_model(service)
    except UnknownServiceError:
        return None


@cache
def methods(service: str) -> dict[str, str]:
    model = service_model(service)
    return {xform_name(name): name for name in model.operation_names} if model else {}


def prefix(model: ServiceModel) -> str:
    return PREFIXES.get(model.signing_name, model.signing_name)


def nearest(word: str, known) -> str:
    found = difflib.get_close_matches(word, list(known), 3, 0.5)
    return ' or '.join(found) if found else 'one that the SDK has'


def fault(wrong: str, write: str) -> dict[str, str]:
    return {'wrong': wrong, 'write': write}


def check_call(service: str, operation: str, given: dict) -> dict:
    model = service_model(service)
    if model is None:
        known = SESSION.get_available_services()
        return {'faults': [fault(f'the SDK has no service {service}', nearest(service, known))], 'operations': []}
    if operation not in model.operation_names:
        meant = methods(service).get(operation) or nearest(operation, model.operation_names)
        return {'faults': [fault(f'{service} has no operation {operation}', meant)], 'operations': []}
    asked = model.operation_model(operation)
    faults = []
    if asked.has_streaming_output or asked.has_streaming_input:
        faults.append(fault(f'{operation} streams, which aws:executeAwsApi does not', 'an aws:executeScript'))
    if asked.input_shape is not None:
        faults += check_value(asked.input_shape, given, '')
    elif given:
        faults.append(fault(f'{operation} takes no inputs', 'none'))
    return {'faults': faults, 'operations': [[prefix(model), operation]]}


def check_value(shape, value, path: str) -> list[dict[str, str]]:
    """What of a value does not fit the shape; what is a reference may be anything."""
    if isinstance(value, str) and REFERENCE.search(value):
        return []
    at = path or 'input'
    kind = shape.type_name
    if kind == 'structure':
        if not isinstance(value, dict):
            return [fault(f'{at} is no map', f'a map of {", ".join(shape.members)}')]
        faults = []
        for name, part in value.items():
            below = f'{path}.{name}'.lstrip('.')
            if name in shape.members:
                faults += check_value(shape.members[name], part, below)
            else:
                faults.append(fault(f'{below} is no member of {shape.name}', nearest(name, shape.members)))
        missing = [name for name in shape.required_members if name not in value]
        return faults + [fault(f'{at} has no {name}', name) for name in missing]
    if kind == 'list':
        if not isinstance(value, list):
            return [fault(f'{at} is no list', 'a list')]
        return [each for index, part in enumerate(value) for each in check_value(shape.member, part, f'{path}.{index}')]
    if kind == 'map':
        if not isinstance(value, dict):
            return [fault(f'{at} is no map', 'a map')]
        return [each for name, part in value.items() for each in check_value(shape.value, part, f'{path}.{name}')]
    if isinstance(value, dict | list) or value is None:
        return [fault(f'{at} is no {kind}', f'a {kind}')]
    if kind == 'string' and shape.enum and value not in shape.enum:
        return [fault(f'{at} is {value}, which {shape.name} does not know', nearest(str(value), shape.enum))]
    if kind == 'boolean' and str(value).lower() not in ('true', 'false'):
        return [fault(f'{at} is no boolean', 'true or false')]
    if kind in ('integer', 'long') and not re.fullmatch(r'-?\d+', str(value)):
        return [fault(f'{at} is no {kind}', 'a whole number')]
    return []


def check_script(source: str, handler: str) -> dict:
    try:
        tree = ast.parse(source)
        compile(tree, 'script', 'exec')
    except (SyntaxError, ValueError) as error:
        return {'faults': [fault(f'its script does not compile: {error}', 'it as Python takes it')], 'operations': []}
    faults = []
    functions = {each.name: each for each in tree.body if isinstance(each, ast.FunctionDef)}
    if handler not in functions:
        faults.append(fault(f'its script has no function {handler}', f'def {handler}(events, context):'))
    elif len(functions[handler].args.args) != 2:
        faults.append(fault(f'{handler} does not take two arguments', f'def {handler}(events, context):'))
    faults += [
        fault(f'line {node.lineno}: it does not say what {ast.unparse(node)} is a client of', "boto3.client('service')")
        for node in ast.walk(tree)
        if is_client(node) and not (node.args and isinstance(node.args[0], ast.Constant))
    ]
    clients = clients_in(tree)
    operations = set()
    for node, service, method in methods_used(tree, clients):
        model = service_model(service)
        if model is None:
            known = SESSION.get_available_services()
            faults.append(fault(f'line {node.lineno}: the SDK has no service {service}', nearest(service, known)))
        elif method in methods(service):
            operations.add((prefix(model), methods(service)[method]))
        else:
            faults.append(fault(f'line {node.lineno}: {service} has no {method}', nearest(method, methods(service))))
    return {'faults': faults, 'operations': sorted(map(list, operations))}


def clients_in(tree) -> dict[str, str]:
    """The names that are given to clients, as `name = boto3.client('service')`, with their services."""
    clients = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and (service := service_of(node.value, {})):
            clients |= {ast.unparse(target): service for target in node.targets}
    return clients


def is_client(node) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == 'boto3.client'


def service_of(node, clients: dict[str, str]) -> str | None:
    """The service of an expression that is a client."""
    if is_client(node):
        named = node.args[0] if node.args else None
        return str(named.value) if isinstance(named, ast.Constant) else None
    return clients.get(ast.unparse(node)) if isinstance(node, ast.Name | ast.Attribute) else None


def methods_used(tree, clients: dict[str, str]):
    """Each use of a client's method that makes a call: where, the service, and the method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == 'get_paginator':
            service, named = service_of(node.func.value, clients), node.args[0] if node.args else None
            if service and isinstance(named, ast.Constant):
                yield node, service, str(named.value)
        elif isinstance(node, ast.Attribute) and node.attr not in OF_CLIENTS:
            service = service_of(node.value, clients)
            if service:
                yield node, service, node.attr


def main() -> None:
    asked = json.load(sys.stdin)
    json.dump(
        {
            'calls': [check_call(call['service'], call['operation'], call['input']) for call in asked['calls']],
            'scripts': [check_script(script['source'], script['handler']) for script in asked['scripts']],
        },
        sys.stdout,
    )


if __name__ == '__main__':
    main()
