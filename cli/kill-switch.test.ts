import { PassThrough } from 'node:stream';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { KillSwitch } from '../engine/aws/kill-switch.ts';
import { sessionConfig } from '../engine/aws/session.ts';
import { HOME_REGION, ROOT, SECURITY_ACCOUNT } from '../local/connection.ts';
import { type AwsServer, startAwsServer } from '../local/python.ts';
import { main } from './main.ts';
import { Terminal } from './terminal.ts';

const environment = { ...process.env };
/** A cloud of its own: a switch stops everybody. */
let server: AwsServer;

beforeAll(async () => {
  server = await startAwsServer(0, () => {});
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: server.endpoint,
    AWS_REGION: HOME_REGION,
    AWS_ACCESS_KEY_ID: ROOT.accessKeyId,
    AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
  });
});
afterAll(() => {
  process.env = environment;
  server?.child.kill('SIGKILL');
});

async function firebreak(...words: string[]) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const code = await main(words, { out: new Terminal(out), err: new Terminal(err), input: process.stdin });
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}
const json = async (...words: string[]) => JSON.parse((await firebreak(...words, '--json')).out);

test('the kill switch is thrown and taken back by a person, whom AWS names', async () => {
  expect(await firebreak('stop', 'too early')).toMatchObject({
    code: 1,
    err: expect.stringContaining('deploy Firebreak first'),
  });
  const session = sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT);
  const put = (Value: string) =>
    new SSMClient(session).send(
      new PutParameterCommand({ Name: '/firebreak/kill-switch', Value, Type: 'String', Overwrite: true }),
    );
  await put('off');
  const stopped = () => new KillSwitch(session, '/firebreak/kill-switch').stopped();
  expect((await firebreak('status')).out).toMatch(/^running {2}since \d{4}-.* by \S+\n$/);
  expect(await stopped()).toBeUndefined();

  const why = 'the rules went wrong \u001b[2J';
  const said = await firebreak('stop', why);
  expect(said).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^stopped {2}since .*: the rules went wrong \\u\{1b\}\[2J\n$/),
  });
  expect(await stopped()).toBe(why);
  const status = await json('status');
  expect(status).toMatchObject({ stopped: why, by: expect.any(String), since: expect.any(String) });
  // Whoever says the same again takes nothing from who said it first.
  expect(await json('stop', why)).toEqual({ ...status, before: status });

  const resumed = await firebreak('resume');
  expect(resumed.out).toMatch(/^it was: stopped {2}since .*\nrunning {2}since .*\n$/);
  expect(await stopped()).toBeUndefined();
  expect(await json('resume')).toMatchObject({ stopped: null, before: { stopped: null } });
});

test('resumes from what nobody meant', async () => {
  const session = sessionConfig(SECURITY_ACCOUNT, HOME_REGION, ROOT);
  await new SSMClient(session).send(
    new PutParameterCommand({ Name: '/firebreak/kill-switch', Value: ' ', Type: 'String', Overwrite: true }),
  );
  expect(await json('status')).toMatchObject({ stopped: '' });
  expect(await json('resume')).toMatchObject({ stopped: null, before: { stopped: '' } });
});
