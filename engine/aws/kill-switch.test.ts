import { randomUUID } from 'node:crypto';
import { DeleteParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { HOME_REGION, ROOT, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { KillSwitch } from './kill-switch.ts';
import { sessionConfig } from './session.ts';

const environment = { ...process.env };
let ssm: SSMClient;
let clock = Date.now();
const name = `/firebreak/test/${randomUUID()}`;
const set = (Value: string) =>
  ssm.send(new PutParameterCommand({ Name: name, Value, Type: 'String', Overwrite: true }));
const newSwitch = () => new KillSwitch(sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT), name, () => clock);

beforeAll(() => {
  process.env.AWS_ENDPOINT_URL = sharedCloud().endpoint;
  ssm = new SSMClient({ region: HOME_REGION, credentials: ROOT });
});
afterAll(() => {
  process.env = environment;
});

test('lets run only what "off" lets run, and gives any other text as the reason', async () => {
  expect(await newSwitch().stopped()).toMatch(`the parameter ${name} cannot be read: ParameterNotFound`);
  await set(' off ');
  expect(await newSwitch().stopped()).toBeUndefined();
  await set('an outage in eu-west-1');
  expect(await newSwitch().stopped()).toBe('an outage in eu-west-1');
  await ssm.send(new DeleteParameterCommand({ Name: name }));
  expect(await newSwitch().stopped()).toMatch(`the parameter ${name} cannot be read: ParameterNotFound`);
});

test('acts within a minute, and asks once for all who ask meanwhile', async () => {
  await set('off');
  const since = (await sharedCloud().doors.calls()).at(-1)?.sequence ?? 0;
  const killSwitch = newSwitch();
  expect(await Promise.all([killSwitch.stopped(), killSwitch.stopped()])).toEqual([undefined, undefined]);
  await set('stop');
  expect(await killSwitch.stopped()).toBeUndefined();
  clock += 59_000;
  expect(await killSwitch.stopped()).toBe('stop');
  const reads = (await sharedCloud().doors.calls(since)).filter(
    ({ operation, resources }) => operation === 'GetParameter' && resources.some((resource) => resource.endsWith(name)),
  );
  expect(reads).toHaveLength(2);
});

test('that may not be read stops everything, and says why', async () => {
  const stranger = { accessKeyId: `AKIA${'A'.repeat(16)}`, secretAccessKey: 'none' };
  const denied = new KillSwitch(sessionConfig(SECURITY_ACCOUNT, HOME_REGION, stranger), name);
  expect(await denied.stopped()).toMatch(/cannot be read: \w+/);
});
