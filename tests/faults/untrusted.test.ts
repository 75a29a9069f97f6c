import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { beforeAll, beforeEach, expect, test } from '@jest/globals';
import { HOME_REGION, MEMBER_ACCOUNTS, OUTSIDE_ACCOUNT, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { changing, Deployed, inLongForm, tried } from '../../local/deployed.ts';
import { told } from '../../local/scenes.ts';
import type { Account } from '../../local/specimen.ts';
import { messageOf, openBucket, openGroup, publicSnapshot } from './exposures.ts';

const [member, other] = MEMBER_ACCOUNTS;
let deployed: Deployed;
let account: Account;
beforeAll(async () => {
  deployed = new Deployed();
  account = await deployed.cloud.account(member, HOME_REGION);
});
beforeEach(async () => {
  await deployed.allCalls();
  deployed.lines();
});

/** Calls by which a worker came into a member account, or tried to, and those that it made there. */
const intrusions = async (worker: string) =>
  (await deployed.allCalls()).filter(
    ({ principal, operation }) =>
      (operation === 'AssumeRole' && principal.includes(`/firebreak-${worker}`)) ||
      principal.includes(`:assumed-role/firebreak-${worker}/`),
  );
const idOf = (message: string): string => (JSON.parse(message) as { id: string }).id;
const reasonsIn = async (worker: string) =>
  (await deployed.deadLetters(worker)).map(
    ({ MessageAttributes: attributes }) => attributes?.reason?.StringValue ?? '',
  );

test('#7 one poison message in a batch of ten: nine are done, and it is where people look at once, with the reason', async () => {
  const wrongs = await Promise.all(Array.from({ length: 9 }, () => publicSnapshot(account)));
  const good = wrongs.map((wrong) => messageOf(wrong.told()));
  const event = JSON.parse(good[0] ?? '') as Record<string, unknown>;
  const poisons: readonly (readonly [body: string, reason: RegExp])[] = [
    ['{"version":"0","id":', /^message: is not JSON$/],
    ['{}', /^version: /],
    [JSON.stringify({ ...event, detail: undefined }), /^detail: /],
    [JSON.stringify({ ...event, detail: { ...(event.detail as object), resource: ['x'] } }), /^detail\.resource: /],
    [JSON.stringify({ ...event, account: 444455556666 }), /^account: /],
    ['x'.repeat(256 * 1_024), /^message: is not JSON$/],
  ];
  for (const [poison, reason] of inLongForm(
    poisons,
    poisons.filter((_, index) => index % 2 === 1),
  )) {
    for (const wrong of wrongs) if (await wrong.closed()) await wrong.again();
    const bodies = wrongs.map((wrong) => messageOf(wrong.told()));
    // One call of SQS takes no more than 256 KB.
    if (poison.length < 10_000) await deployed.send('snapshots', [...bodies.slice(0, 4), poison, ...bodies.slice(4)]);
    else await Promise.all([deployed.send('snapshots', bodies), deployed.send('snapshots', [poison])]);
    await deployed.settled('snapshots');
    for (const wrong of wrongs) expect(await wrong.closed()).toBe(true);
    const ended = await deployed.responses(bodies.map(idOf));
    expect(ended.map(({ outcome }) => outcome)).toEqual(Array(9).fill('verified'));
    const dead = await deployed.deadLetters('snapshots');
    expect(dead.map(({ Body }) => Body === poison)).toEqual([true]);
    expect(dead[0]?.MessageAttributes?.reason?.StringValue).toMatch(reason);
    const rejections = deployed.lines().filter((line) => line.includes('"message rejected"'));
    expect(rejections).toHaveLength(1);
    expect(rejections[0]).toContain('"level":"ERROR"');
    tried(7, 1);
  }
});

test('#25 a finding that names what is not of its own account, Region or partition reaches none of them', async () => {
  const wrong = await openGroup(account);
  const arn = `arn:aws:ec2:eu-west-1:444455556666:security-group/${wrong.target.id}`;
  const elsewhere = [
    `arn:aws:ec2:eu-west-1:${other}:security-group/${wrong.target.id}`,
    `arn:aws:ec2:us-east-1:${member}:security-group/${wrong.target.id}`,
    `arn:aws-cn:ec2:eu-west-1:${member}:security-group/${wrong.target.id}`,
    `arn:aws-us-gov:ec2:eu-west-1:${member}:security-group/${wrong.target.id}`,
  ];
  await deployed.allCalls();
  const events: string[] = [];
  for (const there of elsewhere) {
    events.push(await deployed.tell(wrong.told({ [`"Id": "${arn}"`]: `"Id": "${there}"` })));
    tried(25, 1);
  }
  await deployed.settled('network');
  const responses = await deployed.responses(events);
  expect(responses.map(({ outcome }) => outcome)).toEqual(elsewhere.map(() => 'refused'));
  // To see whether the account has what the finding may mean, the worker comes in to read, and there only.
  const own = `arn:aws:iam::${member}:role/firebreak-network`;
  expect((await intrusions('network')).filter(({ resources }) => !resources.includes(own))).toEqual([]);
  expect(await wrong.closed()).toBe(false);

  // An ARN of a bucket has no account: S3 itself proves whose it is.
  const theirs = await openBucket(await deployed.cloud.account(other, HOME_REGION));
  const event = await deployed.tell(theirs.told());
  await deployed.settled('storage');
  expect((await deployed.responses([event])).map(({ outcome }) => outcome)).toEqual(['failed']);
  expect(await theirs.closed()).toBe(false);
  const made = await deployed.calls('storage');
  expect(made.filter((call) => changing(call) || call.account === other)).toEqual([]);
  tried(25, 1);
});

test('#26 a forged event is rejected, and somebody is told', async () => {
  const wrong = await openGroup(account);
  const event = wrong.told();
  const stranger = await deployed.cloud.account(OUTSIDE_ACCOUNT, HOME_REGION);
  const bus = `arn:aws:events:${HOME_REGION}:${SECURITY_ACCOUNT}:event-bus/default`;
  await deployed.allCalls();
  const put = async (from: Account, Source: string, EventBusName?: string) => {
    const { entry } = event;
    const Entries = [{ Source, DetailType: entry.detailType, Detail: JSON.stringify(entry.detail), EventBusName }];
    return new EventBridgeClient(from.client).send(new PutEventsCommand({ Entries })).then(
      ({ Entries: [answer] = [] }) => answer?.ErrorCode ?? 'taken',
      (error: Error) => error.name,
    );
  };
  const home = await deployed.cloud.account(SECURITY_ACCOUNT, HOME_REGION);
  // EventBridge refuses the source that proves, and our rules do not take another one.
  expect(await put(home, 'aws.securityhub')).toBe('NotAuthorizedForSourceException');
  expect(await put(home, 'custom.securityhub')).toBe('taken');
  expect(await put(stranger, 'custom.securityhub', bus)).not.toBe('taken');
  await deployed.settled('network');
  expect(deployed.lines().filter((line) => line.includes('"service":"network"'))).toEqual([]);

  const product = 'arn:aws:securityhub:eu-west-1::product/aws/securityhub';
  const forged: readonly (readonly [string, RegExp])[] = [
    [messageOf(event, { source: 'custom.securityhub' }), /^source: /],
    [messageOf(event, { source: 'aws.guardduty' }), /^source: /],
    [messageOf(event, { account: other }), /is no administrator$/],
    [messageOf(event, { account: OUTSIDE_ACCOUNT }), /is no administrator$/],
    [messageOf(event, { account: member, region: 'us-east-1' }), /is not the home Region$/],
    [
      messageOf(
        wrong.told({
          [`"ProductArn": "${product}"`]: `"ProductArn": "arn:aws:securityhub:eu-west-1:${member}:product/${member}/default"`,
        }),
      ),
      /not by Security Hub itself$/,
    ],
    [
      messageOf(
        wrong.told({
          [`"ProductArn": "${product}"`]: '"ProductArn": "arn:aws:securityhub:eu-west-1::product/prowler/prowler"',
        }),
      ),
      /not by Security Hub itself$/,
    ],
    ['{"firebreak":"target","response":"network-aaaaaaaaaa","remediation":"network.no-such-thing"}', /no remediation/],
  ];
  for (const [message, reason] of forged) {
    await deployed.send('network', [message]);
    await deployed.settled('network');
    expect(await reasonsIn('network')).toEqual([expect.stringMatching(reason)]);
    expect(deployed.lines().filter((line) => line.includes('"message rejected"'))).toHaveLength(1);
    tried(26, 1);
  }
  expect(await intrusions('network')).toEqual([]);

  // What an administrator says of an account that is not ours ends at that account's door.
  const message = messageOf(wrong.told({ [member]: OUTSIDE_ACCOUNT }));
  await deployed.send('network', [message]);
  await deployed.settled('network');
  expect(await deployed.responses([idOf(message)])).toMatchObject([
    { outcome: 'failed', reason: expect.stringContaining('sts:AssumeRole') },
  ]);
  expect((await intrusions('network')).map(({ decision }) => decision)).toEqual(['denied']);
  expect(await wrong.closed()).toBe(false);
  tried(26, 4);
});

test('#27 a name that AWS would not give reaches no call', async () => {
  const group = 'sg-0c4e1a97b25d8f360';
  const inArn = (id: string) => `arn:aws:ec2:eu-west-1:${member}:security-group/${id}`;
  const user = 'arn:aws:iam::444455556666:user/service/report-exporter';
  const tricks = [
    ...[
      '../sg-0c4e1a97b25d8f360',
      'sg-0c4e1a97b25d8f360%0a',
      '*',
      'sg-*',
      '$(id)',
      '{{ssm:x}}',
      `sg-${'0'.repeat(2_048)}`,
    ],
    ...['sg-0c4e1a97b25d8f36０', 'ѕg-0c4e1a97b25d8f360', 'sg-0c4e1a97b25d8f360\u200b', `${group}\n`, `${group} `],
  ].map(inArn);
  const users = [
    'user/../report-exporter',
    'user/service/*',
    'user/a b',
    'user/',
    'user/$(x)',
    'user/{{ssm:x}}',
    'role/x',
    `user/${'x'.repeat(65)}`,
  ];
  const events: string[] = [];
  for (const trick of tricks) {
    const event = told(
      'securityhub/security-group-open-ssh',
      { [`"Id": "${inArn(group)}"`]: `"Id": ${JSON.stringify(trick)}` },
      { account: SECURITY_ACCOUNT, region: HOME_REGION },
    );
    events.push(await deployed.tell(event));
  }
  for (const trick of users) {
    const event = told(
      'securityhub/iam-access-key-old',
      { [`"Id": "${user}"`]: `"Id": ${JSON.stringify(`arn:aws:iam::${member}:${trick}`)}` },
      { account: SECURITY_ACCOUNT, region: HOME_REGION },
    );
    events.push(await deployed.tell(event));
  }
  await deployed.settled('network');
  await deployed.settled('identity');
  const refused = await deployed.responses(events);
  expect(refused.filter(({ outcome }) => outcome !== 'refused')).toEqual([]);
  const rejected = [...(await reasonsIn('network')), ...(await reasonsIn('identity'))];
  expect(rejected).toEqual([expect.stringContaining('is longer than 2048')]);
  expect(refused.length + rejected.length).toBe(events.length);
  const calls = await deployed.allCalls();
  expect(calls.filter(({ principal }) => /:assumed-role\/firebreak-(network|identity)\//.test(principal))).toEqual([]);
  tried(27, events.length);
});

test('#29 no address in a finding is asked', async () => {
  const asked: string[] = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
  });
  server.on('connection', () => asked.push('a connection'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const here = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const addresses = [
      `http://${here}/a`,
      `https://${here}/b`,
      `http://localhost:${here.split(':')[1]}/c`,
      'file:///etc/passwd',
      'http://169.254.169.254/d',
    ];
    for (const address of addresses) {
      const wrong = await openGroup(account);
      const event = await deployed.tell(
        wrong.told({
          'https://docs.aws.amazon.com/console/securityhub/EC2.13/remediation': address,
          'Security groups should not allow ingress': address,
          '"GeneratorId": "security-control/EC2.13"': `"GeneratorId": "security-control/EC2.13", "SourceUrl": ${JSON.stringify(address)}`,
        }),
      );
      await deployed.settled('network');
      expect((await deployed.responses([event])).map(({ outcome }) => outcome)).toEqual(['verified']);
      tried(29, 1);
    }
    expect(asked).toEqual([]);
  } finally {
    server.close();
  }
});

test('#28 whatever names and titles say, each line of the log is one record', async () => {
  const hostile =
    'x\r\n{"level":"ERROR","message":"forged"}\u001b[31m<!channel> <https://evil|x> ![](x) <script> =HYPERLINK("x")\u2028';
  const wrong = await openGroup(account);
  const title = 'Security groups should not allow ingress from 0.0.0.0/0 or ::/0 to port 22';
  const event = wrong.told({ [title]: JSON.stringify(hostile).slice(1, -1) });
  deployed.lines();
  await deployed.tell(event);
  await deployed.send('network', [hostile, messageOf(event, { id: hostile }), messageOf(event, { source: hostile })]);
  await deployed.settled('network');
  const lines = deployed.lines();
  expect(lines.length).toBeGreaterThan(4);
  for (const line of lines) {
    const record = JSON.parse(line) as { message?: string };
    expect(record.message).not.toBe('forged');
    expect(line).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
  }
  const rejected = await reasonsIn('network');
  expect(rejected).toHaveLength(3);
  for (const reason of rejected) expect(reason).toMatch(/^[\x20-\x7e]*$/);
  tried(28, lines.length);
});
