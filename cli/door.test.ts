import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sessionConfig } from '../engine/aws/session.ts';
import { type Analyst, analyst } from '../local/analyst.ts';
import { Connection, HOME_REGION, ROOT, SECURITY_ACCOUNT } from '../local/connection.ts';
import { serverlessDeploy } from '../local/deployment.ts';
import { exchange } from '../local/doors.ts';
import { type AwsServer, startAwsServer } from '../local/python.ts';
import { Runner } from '../local/runner.ts';
import type { Caller } from './caller.ts';
import { callDoor, DOOR_PARAMETER, doorAt } from './door.ts';
import { Failure } from './failure.ts';

const SERVICE = `
service: tiny
frameworkVersion: '^4.3.0'
provider:
  name: aws
  runtime: nodejs24.x
  versionFunctions: false
functions:
  approve:
    handler: index.handler
    timeout: 30
    events:
      - httpApi: { method: POST, path: '/responses/{id}/approve', authorizer: { type: aws_iam } }
resources:
  Resources:
    Door:
      Type: AWS::SSM::Parameter
      Properties: { Name: ${DOOR_PARAMETER}, Type: String, Value: !GetAtt HttpApi.ApiEndpoint }
`;
/** Answers what it learned of who asks for what. */
const HANDLER = `
export const handler = async ({ requestContext, pathParameters, body }) => {
  const asked = body === undefined ? {} : JSON.parse(body);
  if (asked.refuse) return { statusCode: 403, body: JSON.stringify({ message: 'not your own' }) };
  if (asked.redirect) return { statusCode: 302, headers: { location: asked.redirect } };
  if (asked.text) return { statusCode: 200, body: asked.text };
  if (asked.fail) throw new Error('secret');
  return { by: requestContext.authorizer.iam.userArn, id: pathParameters.id, asked };
};
`;
const APPROVE = '/responses/storage-0a1b2c3d4e/approve';
const may = (Action: string, Resource: string) => ({ Effect: 'Allow' as const, Action, Resource });
const READS_PARAMETER = may('ssm:GetParameter', `arn:aws:ssm:*:*:parameter${DOOR_PARAMETER}`);

const caller = ({ arn, credentials }: Analyst): Caller => ({
  account: SECURITY_ACCOUNT,
  arn,
  partition: 'aws',
  region: HOME_REGION,
  credentials: async () => credentials,
});

describe('the door of a deployed service', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'door-'));
  let server: AwsServer;
  let runner: Runner;
  let ssm: SSMClient;
  let deployment: Parameters<typeof serverlessDeploy>[1];
  let address = '';
  let ana: Caller;
  let nobody: Caller;

  beforeAll(async () => {
    server = await startAwsServer(0, () => {});
    const { endpoint } = server;
    process.env.AWS_ENDPOINT_URL = endpoint;
    const connection = new Connection(endpoint);
    writeFileSync(path.join(folder, 'serverless.yml'), SERVICE);
    writeFileSync(path.join(folder, 'index.mjs'), HANDLER);
    deployment = { endpoint, region: HOME_REGION, parameters: {}, home: folder };
    await serverlessDeploy(folder, deployment);
    ssm = new SSMClient({ region: HOME_REGION, endpoint, credentials: ROOT });
    const approves = may(
      'execute-api:Invoke',
      `arn:aws:execute-api:${HOME_REGION}:*:*/$default/POST/responses/*/approve`,
    );
    ana = caller(await analyst(connection, 'ana', [READS_PARAMETER, approves]));
    nobody = caller(await analyst(connection, 'nobody', [READS_PARAMETER]));
    runner = await Runner.start({
      endpoint,
      doors: connection.doors,
      config: (credentials = ROOT) => ({ ...sessionConfig(SECURITY_ACCOUNT, HOME_REGION, credentials), endpoint }),
      folder: path.join(folder, 'functions'),
      log: () => {},
      complain: () => {},
    });
    address = (await ssm.send(new GetParameterCommand({ Name: DOOR_PARAMETER }))).Parameter?.Value ?? '';
  });

  afterAll(async () => {
    await runner?.stop();
    server?.child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  const approve = (who: Caller, body?: Record<string, string>) =>
    callDoor(who, { method: 'POST', path: APPROVE, ...(body && { body }) });

  test('opens to whom IAM lets, and the function learns who it is', async () => {
    const asked = { reason: 'it is ours, Zoë' };
    const body = { by: ana.arn, id: 'storage-0a1b2c3d4e', asked };
    expect(await approve(ana, asked)).toEqual({ status: 200, body });
    expect(await approve(ana)).toEqual({ status: 200, body: { ...body, asked: {} } });
  });

  test('tells whom IAM does not let what is missing', async () => {
    await expect(approve(nobody)).rejects.toThrow(
      new Failure(
        `IAM does not let ${nobody.arn} do this: it needs execute-api:Invoke on arn:aws:execute-api:${HOME_REGION}:${SECURITY_ACCOUNT}:*/$default/POST${APPROVE}`,
      ),
    );
  });

  test('is shut to a request that nobody signed', async () => {
    await expect(exchange('POST', `${address}${APPROVE}`)).rejects.toThrow(/403 \{"message": "Forbidden"\}/);
  });

  test('tells of a path that is not deployed, and sends nothing to what is no path', async () => {
    await expect(callDoor(ana, { method: 'POST', path: '/responses/a/wave' })).rejects.toThrow(
      'does not know POST /responses/a/wave',
    );
    for (const odd of ['', '/', 'responses', '//a', '/a/../b', '/a?b', '/a%2fb', '/a b', '/a/']) {
      await expect(callDoor(ana, { method: 'POST', path: odd })).rejects.toThrow('is not a path of the door');
    }
  });

  test('gives the answer of the function as it is', async () => {
    expect(await approve(ana, { refuse: 'yes' })).toEqual({ status: 403, body: { message: 'not your own' } });
  });

  test.each([
    [{ fail: 'yes' }, 'failed: look at the log of the function'],
    [{ text: '<html>' }, 'the door answered 200 with what is no JSON'],
    [{ redirect: 'http://169.254.169.254/' }, 'the door answered 302, and redirects are not followed'],
  ])('is told apart from what it does not answer: %j', async (asked, message) => {
    await expect(approve(ana, asked)).rejects.toThrow(message);
  });

  test('is not looked for where Firebreak is not deployed', async () => {
    const elsewhere = { ...ana, region: 'us-east-1' };
    await expect(approve(elsewhere)).rejects.toThrow(
      `account ${SECURITY_ACCOUNT} has no parameter /firebreak/door in us-east-1: deploy Firebreak first`,
    );
  });

  test('stays where it is when Firebreak is deployed again', async () => {
    const more = SERVICE.replace(
      'resources:',
      `      - httpApi: { method: POST, path: '/responses/{id}/wave', authorizer: { type: aws_iam } }\nresources:`,
    );
    writeFileSync(path.join(folder, 'serverless.yml'), more);
    await serverlessDeploy(folder, deployment);
    expect((await ssm.send(new GetParameterCommand({ Name: DOOR_PARAMETER }))).Parameter?.Value).toBe(address);
    const wave = '/responses/a/wave';
    await expect(callDoor(ana, { method: 'POST', path: wave })).rejects.toThrow(`$default/POST${wave}`);
    expect((await approve(ana)).status).toBe(200);
  });

  describe('where somebody changed the parameter', () => {
    const move = (Value: string) =>
      ssm.send(new PutParameterCommand({ Name: DOOR_PARAMETER, Value, Type: 'String', Overwrite: true }));
    afterEach(() => move(address));

    test('nothing is sent to a place that is no API', async () => {
      await move('http://169.254.169.254/latest');
      await expect(approve(ana)).rejects.toThrow('nothing was sent: "http://169.254.169.254/latest"');
    });

    test('a place where nobody answers is named', async () => {
      const listener = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => listener.once('listening', resolve));
      const nowhere = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/`;
      await new Promise((resolve) => listener.close(resolve));
      await move(nowhere);
      await expect(approve(ana)).rejects.toThrow(`no answer from the door, ${nowhere}: `);
    });
  });
});

describe('the address of the door', () => {
  test.each([
    'https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com',
    'https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com.cn/',
    'http://127.0.0.1:4566/firebreak/execute-api/abcdefgh',
  ])('may be %s', (address) => {
    expect(doorAt(address, HOME_REGION).href.replace(/\/$/, '')).toBe(address.replace(/\/$/, ''));
  });

  test.each([
    '',
    'none',
    'http://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com',
    'https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com',
    'https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com.example.com',
    'https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com:8443',
    'https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/other',
    'https://b.a.execute-api.eu-west-1.amazonaws.com',
    'https://user:word@a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com',
    'https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com@example.com',
    'https://example.com/a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com',
    'https://127.0.0.1',
    'https://169.254.169.254',
    'http://169.254.169.254',
    'http://[::1]',
    'http://[::ffff:169.254.169.254]',
    'http://localhost',
    'http://127.0.0.1.example.com',
    'http://127.0.0.1@169.254.169.254/',
    'http://127.0.0.1/?a=b',
    'http://127.0.0.1/#a',
    'file:///etc/passwd',
    'data:text/plain,a',
  ])('is not %j', (address) => {
    expect(() => doorAt(address, HOME_REGION)).toThrow(Failure);
  });

  test('leads nowhere but to this machine or to API Gateway, whatever somebody writes into it', () => {
    const place = fc.constantFrom(
      `https://a1.execute-api.${HOME_REGION}.amazonaws.com/`,
      'http://127.0.0.1:4566/api/a1',
    );
    const noise = fc.constantFrom(
      'https://',
      '169.254.169.254',
      '@',
      ':',
      '/',
      '\\',
      '?',
      '#',
      '.',
      'a',
      '%2e',
      '%40',
      '\t',
      '\n',
      ' ',
    );
    const hosts: Readonly<Record<string, RegExp>> = {
      'http:': /^127\.0\.0\.1$/,
      'https:': /^[a-z0-9]+\.execute-api\.eu-west-1\.amazonaws\.com$/,
    };
    let accepted = 0;
    fc.assert(
      fc.property(place, fc.array(noise, { maxLength: 3 }), fc.nat({ max: 60 }), (good, words, at) => {
        const address = good.slice(0, at) + words.join('') + good.slice(at);
        let url: URL;
        try {
          url = doorAt(address, HOME_REGION);
        } catch (error) {
          expect(error).toBeInstanceOf(Failure);
          return;
        }
        accepted += 1;
        expect(url.hostname).toMatch(hosts[url.protocol] ?? /^no other protocol$/);
        expect([url.username, url.password, url.search, url.hash]).toEqual(['', '', '', '']);
      }),
      { numRuns: 1_000 },
    );
    expect(accepted).toBeGreaterThan(50);
  });
});
