"""Sessions that STS issued, as tests look at them: the policies really sent, and what IAM would answer in them.

IAM's own simulation knows no session policies, and says so:
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from authorization import resource_account
from doors import DoorError, door
from policy import Decision, decide
from principals import Session, caller_in, issued_sessions


@door('GET', '/sessions')
def read_sessions(request):
    """A door of the embedded cloud, not of AWS: the sessions with a `name`, oldest first, each with its session policies
    and what STS said of their packed size."""
    name = request.args.get('name')
    return [_told(session) for session in issued_sessions() if session.name == name]


def _told(session: Session) -> dict:
    return {
        'accessKeyId': session.access_key,
        'arn': session.arn,
        'policies': session.policies or [],
        'packedPolicySize': session.packed,
    }


@door('POST', '/sessions/decisions')
def decide_in_session(request):
    """A door of the embedded cloud, not of AWS: what IAM would say to each of `questions` ({action, resource, context?}:
    condition keys with a list of values) in the session of `accessKeyId`, by its role's policies and its session
    policies, without a resource's own."""
    body = request.json
    session = next((each for each in issued_sessions() if each.access_key == body.get('accessKeyId')), None)
    if session is None:
        raise DoorError(404, 'there is no such session')
    return [_answer(_decision(session, question)) for question in body['questions']]


def _decision(session: Session, question: dict) -> Decision:
    caller, resource = caller_in(session), question['resource']
    context = {key.lower(): values for key, values in question.get('context', {}).items()}
    account = resource_account(resource, caller.account)
    return decide(caller.principal, caller.policies(), question['action'], resource, account, context)


def _answer(decision: Decision) -> dict:
    return {'allowed': decision.allowed, 'reason': decision.reason}
