"""Starts the embedded cloud: moto in one process with the project's extensions, on 127.0.0.1.

    python local/aws/server.py --port 0 [--ready-file F]

Prints one JSON line {"endpoint", "pid"} on standard output when it accepts connections, and writes the same to F. Ends
on SIGTERM or SIGINT, and when its parent dies: its standard input reaches the end, or, where that is no pipe, the parent
process changes.
"""

import argparse
import json
import os
import signal
import stat
import sys
import threading
import time

SECURITY_ACCOUNT = '111122223333'

# Files of this folder that supply what moto lacks, imported for their effect; an error in one ends the start.
EXTENSIONS = [
    'sts',
    'issued_sessions',
    'organization',
    'service_roles',
    'sqs',
    'sns',
    'cloudformation',
    'cloudformation_properties',
    'managed_policies',
    'lambda_',
    'lambda_code',
    'http_api_resources',
    'faults',
    'securityhub',
    'guardduty',
    'opscenter',
    'ssm_incidents',
    'ec2',
    's3',
    'rds',
    'rds_passwords',
    'secretsmanager',
    'iam_ages',
    'events',
    'schedules',
    'asynchronous',
    'schedule_delivery',
    'scheduler',
    'scheduler_resources',
    'dynamodb',
    'ssm_documents',
    'run_command',
    'automation_actions',
    'automation_approval',
    'automation_script',
    'automation_lambda',
    'automation_loop',
    'automation_command',
    'automation',
]


def prepare_environment() -> None:
    """Sets what moto reads at import. MOTO_ACCOUNT_ID must be absent: it would override every other choice of account."""
    os.environ.pop('MOTO_ACCOUNT_ID', None)
    os.environ.update(
        # 1,177 seeded images and snapshots would be listed as if they were the account's own, and slowly.
        MOTO_EC2_LOAD_DEFAULT_AMIS='false',
        # moto must never reach a container runtime: functions run in the project's own runner.
        DOCKER_HOST='tcp://127.0.0.1:9',
    )
    for name in ('AWS_PROFILE', 'AWS_ENDPOINT_URL', 'AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'):
        os.environ.pop(name, None)


def use_account(account: str) -> None:
    """Makes `account` moto's default account; services read the name when they are imported, so this comes first."""
    import moto.core
    import moto.core.models

    moto.core.DEFAULT_ACCOUNT_ID = account
    moto.core.models.DEFAULT_ACCOUNT_ID = account


def share_service_data() -> None:
    """Lets all sessions of botocore share one loader: moto makes many, and each would parse the same files again."""
    import functools

    import botocore.loaders

    botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)


def import_extensions() -> None:
    """Imports every extension; moto's own classes are patched as they load."""
    import importlib

    for name in EXTENSIONS:
        importlib.import_module(name)


def end_with_parent() -> None:
    """Ends this process when the parent has gone."""
    parent = os.getppid()
    mode = os.fstat(0).st_mode if not sys.stdin.closed else 0

    def watch() -> None:
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            while os.read(0, 4096):
                pass
        else:
            while os.getppid() == parent:
                time.sleep(0.5)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--port', type=int, default=0)
    parser.add_argument('--ready-file')
    arguments = parser.parse_args()

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: os._exit(0))
    end_with_parent()
    prepare_environment()
    share_service_data()
    use_account(SECURITY_ACCOUNT)
    import_extensions()

    from werkzeug.serving import make_server

    from gate import Gate, QuietHandler

    server = make_server('127.0.0.1', arguments.port, Gate(), threaded=True, request_handler=QuietHandler)
    ready = json.dumps({'endpoint': f'http://127.0.0.1:{server.server_port}', 'pid': os.getpid()})
    # moto calls itself under this port in a few places.
    os.environ['MOTO_PORT'] = str(server.server_port)
    if arguments.ready_file:
        with open(arguments.ready_file, 'w', encoding='utf-8') as file:
            file.write(ready + '\n')
    print(ready, flush=True)
    server.serve_forever()


if __name__ == '__main__':
    main()
