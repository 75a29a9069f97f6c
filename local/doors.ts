import http from 'node:http';
import type { Credentials } from './lambda-environment.ts';

/** What an AWS service tells on its bus. */
export interface Entry {
  readonly source: string;
  readonly detailType: string;
  readonly detail: unknown;
  readonly resources?: readonly string[];
  /** Chosen by the bus when absent. */
  readonly id?: string;
  /** ISO 8601; now when absent. */
  readonly time?: string;
}

/** An AWS call that the embedded cloud answered. */
export interface Call {
  /** Seconds since 1970, at its start. */
  readonly time: number;
  /** As the SDK calls it: `s3`, `dynamodb`. */
  readonly service: string;
  readonly operation: string;
  readonly region: string;
  readonly account: string;
  /** `root`, or the ARN of the user or session. */
  readonly principal: string;
  /** IAM actions that it stands for. */
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly decision: 'allowed' | 'denied';
  /** 0: it did not take place. */
  readonly status: number;
  readonly error: string | null;
  /** Milliseconds. */
  readonly duration: number;
  readonly sequence: number;
}

/** A session that STS issued. */
export interface IssuedSession {
  readonly accessKeyId: string;
  readonly arn: string;
  /** Session policies, as they were sent. */
  readonly policies: readonly string[];
  /** In %, as STS answered; null without a policy. */
  readonly packedPolicySize: number | null;
}

/** Whether an action on a resource is allowed, where these condition keys have these values. */
export interface Question {
  readonly action: string;
  readonly resource: string;
  readonly context?: Readonly<Record<string, readonly string[]>>;
}

/** What IAM says to it; the reason is the end of AWS's sentence. */
export interface Decision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** Disturbs calls: the first keys are globs that choose them, the others what happens to them (see local/aws/faults.py). */
export interface Fault {
  readonly service?: string;
  readonly operation?: string | readonly string[];
  readonly account?: string;
  readonly region?: string;
  readonly principal?: string | readonly string[];
  readonly resource?: string;
  /** Before the call takes place, or after it has and nobody is told. */
  readonly phase?: 'before' | 'after';
  readonly skip?: number;
  readonly every?: number;
  readonly times?: number;
  /** Milliseconds. */
  readonly latency?: number;
  readonly throttle?: { readonly bucket: number; readonly refillPerSecond: number };
  readonly error?: { readonly status: number; readonly code: string; readonly message: string };
  /** Refuses as IAM does. */
  readonly deny?: true;
  /** Seconds. */
  readonly hang?: number;
  readonly reset?: true;
  /** Answers as if all went well, and nothing takes place. */
  readonly pretend?: true;
  /** Sends half of the answer; in the phase `after`. */
  readonly truncate?: true;
  /** URL that gets a POST and is waited for; then the connection is dropped. */
  readonly tell?: string;
}

/** What an SSM agent answers to a command whose parameters, as JSON text, contain `when`. */
export interface AgentAnswer {
  readonly when: string;
  readonly output?: string;
  readonly error?: string;
  /** Exit code; 0 when absent. */
  readonly code?: number;
  /** How long it takes, by the embedded cloud's clock. */
  readonly seconds?: number;
}

/** The embedded cloud's own doors under `/firebreak/`: what no AWS API offers. */
export class Doors {
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  /** AWS services put events on an account's default bus. Answers the envelopes as rules see them. */
  async emit(account: string, region: string, entries: readonly Entry[]): Promise<readonly { readonly id: string }[]> {
    const { events } = (await this.#ask('POST', '/events', { account, region, entries })) as {
      events: { id: string }[];
    };
    return events;
  }

  /** Findings that AWS's services import into the Security Hub of an account, in ASFF: each is stored, and told on its bus. */
  async importFindings(account: string, region: string, findings: readonly object[]): Promise<void> {
    await this.#ask('POST', '/findings', { account, region, findings });
  }

  /** The calls with a sequence number above `since`, oldest first. */
  async calls(since = 0): Promise<readonly Call[]> {
    return (await this.#ask('GET', `/calls?since=${since}`)) as Call[];
  }

  /** Replaces all faults. */
  async setFaults(faults: readonly Fault[]): Promise<void> {
    await this.#ask('PUT', '/faults', faults);
  }

  /** The faults, with the number of calls that each matched and affected. */
  async faults(): Promise<readonly (Fault & { readonly matched: number; readonly applied: number })[]> {
    return (await this.#ask('GET', '/faults')) as (Fault & { matched: number; applied: number })[];
  }

  /** Sets when an access key was made and last used (null: never). Dates in ISO 8601. */
  async setKeyAge(
    account: string,
    accessKeyId: string,
    age: {
      readonly createDate?: string;
      readonly lastUsed?: { readonly date: string; readonly serviceName: string; readonly region: string } | null;
    },
  ): Promise<void> {
    await this.#ask('POST', '/access-keys', { account, accessKeyId, ...age });
  }

  /**
   * An instance has an SSM agent, which answers commands of Run Command as it is told, and any other with exit code 127.
   * @param online otherwise commands wait for it
   */
  async bringAgent(
    account: string,
    region: string,
    instanceId: string,
    answers: readonly AgentAnswer[],
    online = true,
  ): Promise<void> {
    await this.#ask('PUT', '/agents', { account, region, instanceId, answers, online });
  }

  /** Credentials of a role whose trust policy names the service. */
  async assumeAsService(
    service: string,
    roleArn: string,
    sessionName: string,
    sourceArn: string,
  ): Promise<Credentials> {
    const session = await this.#ask('POST', '/service-role', { service, roleArn, sessionName, sourceArn });
    const { accessKeyId, secretAccessKey, sessionToken } = session as Credentials;
    return { accessKeyId, secretAccessKey, sessionToken };
  }

  /** The sessions with a name, oldest first. */
  async sessions(name: string): Promise<readonly IssuedSession[]> {
    return (await this.#ask('GET', `/sessions?name=${encodeURIComponent(name)}`)) as IssuedSession[];
  }

  /** What IAM would say in a session, by its role's policies and its session policies. */
  async decisions(accessKeyId: string, questions: readonly Question[]): Promise<readonly Decision[]> {
    return (await this.#ask('POST', '/sessions/decisions', { accessKeyId, questions })) as Decision[];
  }

  /** Where Lambda's Invoke finds the functions; null for nowhere. */
  async setRunner(url: string | null): Promise<void> {
    await this.#ask('PUT', '/runner', { url });
  }

  /** Invocations that services handed to the runner and whose end they have not seen; those to be tried later are not counted. */
  async handedOver(): Promise<number> {
    return ((await this.#ask('GET', '/runner')) as { handedOver: number }).handedOver;
  }

  /** Whether each of the events matches one of the event patterns, which are JSON texts. */
  async match(patterns: readonly string[], events: readonly unknown[]): Promise<readonly boolean[]> {
    return ((await this.#ask('POST', '/event-pattern', { patterns, events })) as { matches: boolean[] }).matches;
  }

  /** The embedded cloud's time, which schedules and queues go by, in seconds since 1970. */
  async clock(): Promise<number> {
    return ((await this.#ask('GET', '/clock')) as { now: number }).now;
  }

  /**
   * Moves the clock on by some seconds: schedules fire, delayed and hidden messages come due. Answers the new time.
   * @throws when a schedule would fire more than 100 times; the clock stays then
   */
  async advanceClock(seconds: number): Promise<number> {
    return ((await this.#ask('POST', '/clock', { advance: seconds })) as { now: number }).now;
  }

  async #ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await exchange(method, `${this.#endpoint}/firebreak${path}`, body);
    return answer.length === 0 ? undefined : JSON.parse(answer.toString());
  }
}

/** One HTTP exchange with the embedded cloud; the body goes as JSON. @throws on any status but success */
export async function exchange(method: string, url: string, body?: unknown): Promise<Buffer> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const headers =
      text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    http.request(url, { method, headers, agent: false }, resolve).once('error', reject).end(text);
  });
  const answer = Buffer.concat(await response.toArray());
  const status = response.statusCode ?? 0;
  if (status >= 300) throw new Error(`${method} ${url}: ${status} ${answer}`);
  return answer;
}
