import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { HOME_REGION, ROOT, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { findingOn } from '../../local/findings.ts';
import { DynamoDbLedger } from '../ledger/dynamodb.ts';
import { responseId, targetOf } from '../targets.ts';
import { sessionConfig } from './session.ts';
import { Workers } from './workers.ts';

const environment = { ...process.env };
beforeAll(() => {
  process.env.AWS_ENDPOINT_URL = sharedCloud().endpoint;
});
afterAll(() => {
  process.env = environment;
});

test('a worker that does not take its instructions keeps no other from having theirs', async () => {
  const session = sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT);
  const place = { account: '444455556666', region: HOME_REGION, partition: 'aws' };
  const target = targetOf('AWS::EC2::Snapshot', place, 'snap-0a91c35d7e2f4b680');
  if (!target) throw new Error('there is no snapshot');
  const remediation = 'snapshots.privatize-ebs-snapshot';
  const id = responseId(remediation, target, `${Date.now()}`);
  const finding = findingOn(target, 'securityhub', 'EC2.1');
  const ledger = new DynamoDbLedger(session, 'firebreak-ledger');
  const startedAt = new Date().toISOString();
  const response = { id, remediation, target, correlation: 'event', finding, startedAt };
  await ledger.open(response, finding);
  await ledger.close(response, { outcome: 'compliant' });

  const { doors } = sharedCloud();
  const before = (await doors.calls()).at(-1)?.sequence;
  const none = 'forests-aaaaaaaaaa';
  await expect(
    new Workers(session).instruct([none, id, none].map((each) => ({ do: 'resume', response: each }))),
  ).rejects.toThrow(/^the forests worker did not take its instructions: /);
  const invoked = (await doors.calls(before)).filter(
    ({ operation, principal, resources }) =>
      operation === 'Invoke' && principal === 'root' && resources.some((arn) => arn.endsWith(':firebreak-snapshots')),
  );
  expect(invoked).toMatchObject([{ decision: 'allowed', status: 200 }]);
});
