"""SSM Automation: the action `aws:executeScript`: Python in a process of its own.

Facts supplied:
- The handler is called with the payload and a context; what it returns is the output, at most 100 KB of JSON. It has
  ten minutes, and the credentials of the execution.
  https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-executeScript.html
- Its exception is told with the traceback.

Every runtime of Python is the one that runs this cloud. PowerShell is not run.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from typing import Any

from automation_actions import POLLING
from automation_execution import Cancelled, StepFailed, StepTimedOut, Task, action
from automation_values import plain

SECONDS = 600
MOST_BYTES = 100 * 1024

# What calls the handler: it reads the script and the event from its folder, and writes the answer or the failure there.
# It ends with this process, whose end of its input closes then.
CALLER = '''
import importlib.util, json, os, sys, threading, traceback
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
handler, event = sys.argv[1], json.load(open('event.json'))
try:
    spec = importlib.util.spec_from_file_location('customer_script', 'customer_script.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    answer = {'answer': getattr(module, handler)(event, {})}
    json.dumps(answer)
except BaseException as error:
    frames = traceback.extract_tb(error.__traceback__)[1:]
    where = ''.join(traceback.format_list([each for each in frames if each.filename.endswith('customer_script.py')]))
    answer = {'failure': f'Traceback (most recent call last):\\n{where}\\n{type(error).__name__} - {error}'}
json.dump(answer, open('answer.json', 'w'))
'''


@action('aws:executeScript', seconds=SECONDS, most=SECONDS)
def execute_script(task: Task) -> dict[str, Any]:
    """Runs a script."""
    if not task.inputs['Runtime'].startswith('python'):
        raise StepFailed(f'The embedded cloud does not run {task.inputs["Runtime"]}', POLLING)
    with tempfile.TemporaryDirectory(prefix='firebreak-script-') as folder:
        answer = _answer(task, pathlib.Path(folder))
    if 'failure' in answer:
        raise StepFailed(answer['failure'], POLLING)
    payload = answer['answer']
    if len(json.dumps(payload).encode()) > MOST_BYTES:
        raise StepFailed(f'The output of the script has more than {MOST_BYTES // 1024} KB', POLLING)
    return {'Payload': payload}


def _answer(task: Task, folder: pathlib.Path) -> dict[str, Any]:
    (folder / 'customer_script.py').write_text(task.inputs['Script'], 'utf-8')
    (folder / 'event.json').write_text(json.dumps(plain(task.inputs.get('InputPayload', {}))), 'utf-8')
    alive, end = os.pipe()
    process = subprocess.Popen(
        [sys.executable, '-I', '-c', CALLER, task.inputs['Handler']],
        cwd=folder,
        env={'PATH': os.environ.get('PATH', ''), 'HOME': str(folder), **task.calls.environment()},
        stdin=alive,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    os.close(alive)
    try:
        _, complaint = task.wait_for_work(POLLING, process.communicate)
    except (Cancelled, StepTimedOut):
        process.kill()
        raise
    finally:
        os.close(end)
    try:
        return json.loads((folder / 'answer.json').read_text('utf-8'))
    except (OSError, ValueError):
        return {'failure': f'The script ended without an answer: {complaint.decode("utf-8", "replace")[-2000:]}'}
