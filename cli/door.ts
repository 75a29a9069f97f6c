import { addAbortSignal, type Readable } from 'node:stream';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { SignatureV4 } from '@smithy/signature-v4';
import { sessionConfig } from '../engine/aws/session.ts';
import { describeError } from '../engine/errors.ts';
import type { Json } from '../engine/state.ts';
import type { Caller } from './caller.ts';
import { Failure } from './failure.ts';

/** The SSM parameter in which a deployed Firebreak keeps the address of its door. */
export const DOOR_PARAMETER = '/firebreak/door';

/** What a person asks of a deployed Firebreak; IAM decides, and the function learns from IAM who asks. */
interface DoorRequest {
  readonly method: 'POST';
  /** `/responses/{id}/approve`: plain segments, which no encoding changes. */
  readonly path: string;
  readonly body?: Json;
}

/** What the function behind the door answered. */
interface DoorAnswer {
  readonly status: number;
  /** Absent where there is none. */
  readonly body?: Json;
}

const PATH = /^(?:\/[A-Za-z0-9_-]+)+$/;
const CONNECTION_TIMEOUT_MS = 1_000;
/**
 * A little more than API Gateway waits for a function.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
 */
const REQUEST_TIMEOUT_MS = 31_000;
const BODY_TIMEOUT_MS = 4_000;

/**
 * Asks a deployed Firebreak, in the caller's account and Region, by a request that the caller's credentials sign. It is sent
 * once: whoever asks again looks first what became of it.
 * @throws {Failure} when Firebreak is not deployed there, cannot be reached, or API Gateway does not let the request through
 */
export async function callDoor(caller: Caller, { method, path, body }: DoorRequest): Promise<DoorAnswer> {
  if (!PATH.test(path)) throw new Failure(`${path} is not a path of the door`);
  const door = await doorOf(caller);
  const url = new URL(door.pathname.replace(/\/$/, '') + path, door);
  const signer = new SignatureV4({
    service: 'execute-api',
    region: caller.region,
    credentials: caller.credentials,
    sha256: Sha256,
  });
  const text = body === undefined ? undefined : JSON.stringify(body);
  const signed = await signer.sign(
    new HttpRequest({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port && { port: Number(url.port) }),
      path: url.pathname,
      headers: { host: url.host, ...(text !== undefined && { 'content-type': 'application/json' }) },
      body: text,
    }),
  );
  const { status, said } = await send(new HttpRequest(signed)).catch((error: unknown) => {
    throw new Failure(`no answer from the door, ${door}: ${describeError(error)}`);
  });
  const answer = { status, ...(said !== '' && { body: parsed(said, status) }) };
  const refused = refusal(answer, caller, door, `${method} ${path}`);
  if (refused) throw new Failure(refused);
  return answer;
}

async function doorOf({ account, region, credentials }: Caller): Promise<URL> {
  const ssm = new SSMClient(sessionConfig(account, region, credentials));
  const { Parameter } = await ssm.send(new GetParameterCommand({ Name: DOOR_PARAMETER })).catch((error: unknown) => {
    if (!(error instanceof Error && error.name === 'ParameterNotFound')) throw error;
    throw new Failure(
      `account ${account} has no parameter ${DOOR_PARAMETER} in ${region}: deploy Firebreak first, or give the Region that it is deployed in`,
    );
  });
  return doorAt(Parameter?.Value ?? '', region);
}

/**
 * Reads the address of the door. Whoever could change the parameter would choose where signed requests go, so that it is
 * an HTTP API of API Gateway in this Region, or on this machine; nothing else.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-publish.html
 * @throws {Failure} on any other
 */
export function doorAt(address: string, region: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const bare = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  const deployed = url?.protocol === 'https:' && url.port === '' && url.pathname === '/' && apiOf(url, region);
  const local = url?.protocol === 'http:' && url.hostname === '127.0.0.1';
  if (url && bare && (deployed || local)) return url;
  throw new Failure(
    `the parameter ${DOOR_PARAMETER} in ${region} holds no address of an HTTP API there, so that nothing was sent: ${JSON.stringify(address.slice(0, 200))}`,
  );
}

/** The id of the API that an address of API Gateway names. */
function apiOf({ hostname }: URL, region: string): string | undefined {
  const [api = '', service, where, ...suffix] = hostname.split('.');
  const ours = service === 'execute-api' && where === region && /^amazonaws\.com(\.cn)?$/.test(suffix.join('.'));
  return ours && /^[a-z0-9]+$/.test(api) ? api : undefined;
}

/** Follows no redirect: its status is the answer. */
async function send(request: HttpRequest): Promise<{ readonly status: number; readonly said: string }> {
  const handler = new NodeHttpHandler({
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    throwOnRequestTimeout: true,
  });
  try {
    const { response } = await handler.handle(request);
    const body: Readable = addAbortSignal(AbortSignal.timeout(BODY_TIMEOUT_MS), response.body);
    return { status: response.statusCode, said: Buffer.concat(await body.toArray()).toString() };
  } finally {
    handler.destroy();
  }
}

function parsed(text: string, status: number): Json {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Failure(`the door answered ${status} with what is no JSON (${describeError(error)})`);
  }
}

/** Why API Gateway itself did not pass the request to the function, or its answer back; what a function says differs. */
function refusal({ status, body }: DoorAnswer, caller: Caller, door: URL, request: string): string | undefined {
  const { account, arn, partition, region } = caller;
  const said = body !== null && typeof body === 'object' && 'message' in body ? body.message : undefined;
  if (status === 403 && said === 'Forbidden') {
    const resource = `${apiOf(door, region) ?? '*'}/$default/${request.replace(' ', '')}`;
    return `IAM does not let ${arn} do this: it needs execute-api:Invoke on arn:${partition}:execute-api:${region}:${account}:${resource}`;
  }
  if (status === 404 && said === 'Not Found') {
    return `the Firebreak that is deployed in ${region} does not know ${request}: deploy this version`;
  }
  if (status === 429) return 'API Gateway takes no more requests for now: try again in a minute';
  if (status === 500 && said === 'Internal Server Error') return `${request} failed: look at the log of the function`;
  if (status === 503 && said === 'Service Unavailable')
    return `${request} took longer than API Gateway waits: it may go on`;
  if (status >= 300 && status < 400) return `the door answered ${status}, and redirects are not followed`;
  return undefined;
}
