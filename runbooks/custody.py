import time
from datetime import datetime, timezone


def keep_custody(run, did, evidence):
    """Writes down who had what done, by whose leave and when, with the digests of what is kept. Answers the key of that."""
    execution = boto3.client('ssm').get_automation_execution(AutomationExecutionId=run['execution'])['AutomationExecution']
    steps = execution['StepExecutions']
    keep(run, 'custody.json', {
        'runbook': execution['DocumentName'],
        'version': execution.get('DocumentVersion'),
        'execution': run['execution'],
        'incident': run['incident'],
        'action': run['action'],
        'target': run['target'],
        'startedBy': execution.get('ExecutedBy'),
        'startedAt': execution['ExecutionStartTime'],
        'approvals': [step.get('Outputs', {}) for step in steps if step['Action'] == 'aws:approve'],
        'finishedAt': datetime.now(timezone.utc),
        'did': did,
        'evidence': evidence,
    })
    return key_of(run, run['execution'], 'custody.json')


def settled(look):
    """What `look` finds wrong after the services had some seconds to agree; nothing when all is as it should be."""
    for wait in (0, 1, 2, 4):
        time.sleep(wait)
        wrong = look()
        if not wrong:
            return []
    return wrong
