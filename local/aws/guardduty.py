"""Amazon GuardDuty: sample findings.

Facts supplied, where moto has no CreateSampleFindings:
- It takes at most 50 types, or means all when it is given none. Samples are approximations with values that name nothing
  of the account, and their titles begin with [SAMPLE].
  https://docs.aws.amazon.com/guardduty/latest/APIReference/API_CreateSampleFindings.html
  https://docs.aws.amazon.com/guardduty/latest/ug/sample_findings.html
- Each finding is an event of its account, and of the account that administers GuardDuty for it.
  https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings_eventbridge.html

The samples are those of events/samples/guardduty. A type that none of them has is refused, where AWS has one of each.
"""

import datetime
import json
import pathlib
import uuid
from functools import cache

from moto.guardduty import urls
from moto.guardduty.exceptions import GuardDutyException
from moto.guardduty.models import GuardDutyBackend
from moto.guardduty.responses import GuardDutyResponse

from events import emit
from organization import ADMINISTERED, organization_of

MOST_TYPES = 50
_SAMPLES = pathlib.Path(__file__).parents[2] / 'events' / 'samples' / 'guardduty'
# Whose names the samples speak of.
_ACCOUNT, _REGION = '444455556666', 'eu-west-1'


class BadRequest(GuardDutyException):
    """Input that GuardDuty refuses."""

    code = 400

    def __init__(self, reason: str):
        super().__init__('InvalidInputException', f'The request is rejected because {reason}.')

    def get_headers(self, *_args, **_named) -> list[tuple[str, str]]:
        return [('X-Amzn-ErrorType', 'BadRequestException')]


def create_sample_findings(response: GuardDutyResponse) -> str:
    """Answers CreateSampleFindings."""
    backend = response.guardduty_backend
    detector = response.path.split('/')[-3]
    backend.get_detector(detector)
    types = json.loads(response.body or '{}').get('findingTypes') or list(_samples())
    if len(types) > MOST_TYPES:
        raise BadRequest(f'findingTypes has more than {MOST_TYPES} members')
    unknown = [each for each in types if each not in _samples()]
    if unknown:
        raise BadRequest(f'an invalid finding type is specified: the embedded cloud has no sample of {unknown[0]}')
    for each in types:
        _tell(backend, detector, each)
    return '{}'


@cache
def _samples() -> dict[str, str]:
    """The details of our samples that are not about what must not match, as JSON text by type."""
    files = [path for path in sorted(_SAMPLES.glob('*.json')) if '.not-' not in path.name]
    details = [json.loads(path.read_text('utf-8'))['detail'] for path in files]
    return {detail['type']: json.dumps(detail) for detail in reversed(details)}


def _tell(backend: GuardDutyBackend, detector: str, finding_type: str) -> None:
    account, region = backend.account_id, backend.region_name
    finding = json.loads(_samples()[finding_type].replace(_ACCOUNT, account).replace(_REGION, region))
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec='milliseconds').replace('+00:00', 'Z')
    service = finding['service']
    info = {**service['additionalInfo'], 'sample': True}
    info['value'] = json.dumps({**json.loads(info['value']), 'sample': True})
    finding |= {'id': uuid.uuid4().hex, 'title': f'[SAMPLE] {finding["title"]}', 'createdAt': now, 'updatedAt': now}
    service |= {'additionalInfo': info, 'detectorId': detector, 'eventFirstSeen': now, 'eventLastSeen': now}
    for bus in {account, _administrator(account)}:
        arn = f'arn:aws:guardduty:{region}:{bus}:detector/{detector}/finding/{finding["id"]}'
        emit(bus, region, 'aws.guardduty', 'GuardDuty Finding', {**finding, 'arn': arn})


def _administrator(account: str) -> str:
    """The account that administers GuardDuty in the organisation of `account`, or itself where there is none."""
    organization = organization_of(account)
    administrators = organization.admins if organization else []
    return next((each.account.id for each in administrators if ADMINISTERED in each.services), account)


GuardDutyResponse.create_sample_findings = create_sample_findings
urls.url_paths['{0}/detector/(?P<detector_id>[^/]+)/findings/create$'] = GuardDutyResponse.dispatch
