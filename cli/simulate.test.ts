import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { runPrefix } from '../engine/rehearsal.ts';
import { HOME_REGION, ROOT } from '../local/connection.ts';
import { sharedCloud } from '../local/contract.ts';
import SCENARIO from '../simulations/exfiltration/s3-bucket-exposed.ts';
import { type Answers, type Preview, request, type SimulateRequest } from '../simulations/requests.ts';
import type { RunRecord } from '../simulations/run.ts';
import { type Otherwise, specimen } from '../simulations/specimens.ts';
import { main } from './main.ts';
import { parameter } from './simulation-verbs.ts';
import { Terminal } from './terminal.ts';

/**
 * A stand-in, of this test alone, for the one function firebreak-simulate behind Lambda's Invoke: it answers what the contract has,
 * and takes only what the contract takes.
 */
class StandIn {
  readonly asked: SimulateRequest[] = [];
  /** What the runs come to, a step at each look; the last one stays. */
  steps: Otherwise[] = [{}];
  refusals: readonly string[] = [];
  /** What the next invocation answers in the place of what it should. */
  fault: { readonly status: number; readonly headers: Record<string, string>; readonly body: string } | undefined;
  aborted = false;
  readonly #startedAt = new Date().toISOString();
  readonly #server: Server;
  #looks = 0;

  constructor() {
    this.#server = createServer((incoming, response) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('end', () => {
        response.setHeader('content-type', 'application/json');
        const { fault } = this;
        this.fault = undefined;
        if (fault) {
          response.writeHead(fault.status, fault.headers).end(fault.body);
          return;
        }
        expect(incoming.url).toBe('/2015-03-31/functions/firebreak-simulate/invocations');
        const asked = request().parse(JSON.parse(Buffer.concat(parts).toString()));
        this.asked.push(asked);
        response.end(JSON.stringify(this.#answer(asked)));
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  /** A run of the scenario, as it should go but for what is said. */
  #record(otherwise: Otherwise): RunRecord {
    const { run, timeline, responses } = specimen({
      ...otherwise,
      run: { startedAt: this.#startedAt, ...otherwise.run },
    });
    const things = { bucket: `${runPrefix(run.id)}canary` };
    const [expected] = SCENARIO.responses;
    const [finding] = SCENARIO.findings;
    if (!expected || !finding) throw new Error('the scenario expects nothing');
    const { asExpected = true } = otherwise;
    return {
      run: { ...run, scenario: SCENARIO.id, things },
      timeline: timeline.flatMap((moment) =>
        moment.what === 'detected'
          ? SCENARIO.findings.map(({ source, type }) => ({ ...moment, detail: `${source} ${type}` }))
          : [moment],
      ),
      responses: responses.map((seen) => ({
        ...{ ...seen, remediation: expected.remediation, target: expected.target(things, run.place) },
        finding: { source: finding.source, type: finding.type },
      })),
      ...('asExpected' in otherwise && otherwise.asExpected === undefined ? {} : { asExpected }),
    };
  }

  #answer(asked: SimulateRequest): Answers[keyof Answers] {
    switch (asked.do) {
      case 'preview':
        return { ...PREVIEW, refusals: this.refusals } satisfies Preview;
      case 'start':
        return { run: this.#record(WARMING_UP).run } satisfies Answers['start'];
      case 'abort':
        this.aborted = true;
        return { run: this.#record(WARMING_UP).run } satisfies Answers['abort'];
      case 'list':
        return {
          scenarios: [SCENARIO].map(({ id, title, attack, safety, cost }) => ({
            ...{ id, title, attack, safety, cost },
            fidelities: ['bus-replay' as const],
          })),
          runs: [this.#record({}).run],
        } satisfies Answers['list'];
      default: {
        const step = this.aborted ? STOPPED : (this.steps[this.#looks] ?? this.steps.at(-1) ?? {});
        this.#looks += 1;
        return { ...this.#record(step), previous: [] } satisfies Answers['status'];
      }
    }
  }
}

const NOTHING = { detected: undefined, alerted: undefined, acted: undefined, responded: undefined } as const;
const UNSEEN = { ...NOTHING, contained: undefined, recovered: undefined, cleaned: undefined } as const;
const WARMING_UP: Otherwise = {
  run: { status: 'warming-up' },
  moments: { ...UNSEEN, made: undefined, injected: undefined },
  responses: [],
  asExpected: undefined,
};
const WATCHING: Otherwise = { run: { status: 'watching' }, moments: UNSEEN, responses: [], asExpected: undefined };
const STOPPED: Otherwise = {
  run: { stopped: { at: new Date().toISOString(), by: 'person', reason: 'Ctrl-C' } },
  moments: UNSEEN,
  responses: [],
};
const PREVIEW: Preview = {
  ...{ scenario: SCENARIO.id, title: SCENARIO.title, story: SCENARIO.story, fidelity: 'bus-replay' },
  ...{ safety: SCENARIO.safety, cost: SCENARIO.cost, minutes: 5, objectives: SCENARIO.objectives, refusals: [] },
  place: { partition: 'aws', region: HOME_REGION, account: '222233334444' },
  partner: '333344445555',
  makes: ['AWS::S3::Bucket'],
  may: [{ actions: ['s3:DeleteBucket'], resources: ['arn:aws:s3:::firebreak-sim-<run>-*'] }],
  findings: SCENARIO.findings.map(({ source, type }) => ({ source, type })),
  responses: SCENARIO.responses.map(({ remediation, outcome }) => ({ remediation, outcome })),
};

const environment = { ...process.env };
let lambda: StandIn;

beforeAll(() => {
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: sharedCloud().endpoint,
    AWS_REGION: HOME_REGION,
    AWS_ACCESS_KEY_ID: ROOT.accessKeyId,
    AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey,
    NO_COLOR: '1',
  });
});
beforeEach(async () => {
  await lambda?.close();
  lambda = new StandIn();
  process.env.AWS_ENDPOINT_URL_LAMBDA = await lambda.listen();
});
afterAll(async () => {
  await lambda.close();
  process.env = environment;
});

async function firebreak(...words: string[]) {
  const [out, err, input] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const code = await main(words, { out: new Terminal(out), err: new Terminal(err), input });
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') };
}
const verbs = () => lambda.asked.map((asked) => asked.do);

describe('a simulation', () => {
  test('is shown before it starts, and starts only when somebody says so', async () => {
    const { code, out, err } = await firebreak('simulate', SCENARIO.id);
    expect([code, err]).toEqual([1, 'firebreak: nothing was started: say --yes to start it\n']);
    for (const said of [
      'bus-replay: the resource is real',
      'account 222233334444, eu-west-1; what is shared goes to account 333344445555',
      'inert: what is made reaches nothing',
      'AWS::S3::Bucket',
      'at most $0.01',
      'contain within 120 s',
      'guardduty Policy:S3/BucketAnonymousAccessGranted',
      'storage.block-public-bucket ends verified',
      'on arn:aws:s3:::firebreak-sim-<run>-*',
    ])
      expect(out).toContain(said);
    expect(verbs()).toEqual(['preview']);
  });

  test('that would not start is not started, and says why', async () => {
    lambda.refusals = ['freeze Christmas until 2027-01-02'];
    const { code, out } = await firebreak('simulate', SCENARIO.id, '--yes');
    expect([code, verbs()]).toEqual([1, ['preview']]);
    expect(out).toContain('it would not start: freeze Christmas until 2027-01-02');
    expect((await firebreak('simulate', SCENARIO.id, '--preview')).code).toBe(1);
    lambda.refusals = [];
    expect((await firebreak('simulate', SCENARIO.id, '--preview')).code).toBe(0);
  });

  test('is followed to its end: each status and each moment once, then how it went', async () => {
    lambda.steps = [WARMING_UP, WATCHING, WATCHING, { run: { status: 'cleaning' } }, {}];
    const { code, out, err } = await firebreak('simulate', SCENARIO.id, '--yes');
    expect(code).toBe(0);
    const lines = err.trim().split('\n');
    const words = lines.map((line) => /^(?: {2}\d\d:\d\d:\d\d\.\d{3} +(?:[+-][\d.]+ s)? +)?(\S+)/.exec(line)?.[1]);
    expect(words).toEqual([
      ...['started', 'warming-up', 'started', 'watching', 'made', 'injected', 'cleaning'],
      ...[
        'detected',
        'detected',
        'detected',
        'acted',
        'responded',
        'contained',
        'recovered',
        'alerted',
        'cleaned',
        'clean',
      ],
    ]);
    expect(lines.find((line) => line.includes('contained'))).toContain('+2.3 s');
    expect(out).toMatch(/\npassed {2}by bus-replay\n/);
    expect(out).toMatch(/time to contain +2\.1 s +met/);
  }, 20_000);

  test('is asked for as it was typed', async () => {
    const typed = [
      ...['--fidelity', 'live', '--account', '222233334444', '--region', 'us-east-1', '--exercise', '2026-Q4'],
      ...['--parameter', 'days=5', '--parameter', 'who=ann', '--watch', '90'],
    ];
    const { code, out } = await firebreak('simulate', SCENARIO.id, ...typed, '--yes', '--no-wait', '--json');
    const wanted = {
      ...{ scenario: SCENARIO.id, fidelity: 'live', account: '222233334444', region: 'us-east-1' },
      ...{ parameters: { days: 5, who: 'ann' }, exercise: '2026-Q4', watch: 90 },
    };
    expect(lambda.asked).toEqual([
      { do: 'preview', ...wanted },
      { do: 'start', ...wanted },
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ preview: { scenario: SCENARIO.id }, run: { status: 'warming-up' } });
  });

  test.each<[string, Otherwise, string, RegExp]>([
    ['found it open', { asExpected: false }, 'failed', /not as it shall be/],
    ['saw no response', { responses: [], moments: NOTHING }, 'missed', /BucketAnonymousAccessGranted/],
    ['is not cleaned up', { run: { status: 'cleanup-failed', left: ['a snapshot'] } }, 'cleanup-failed', /a snapshot/],
  ])('that %s does not end with 0', async (_, otherwise, verdict, why) => {
    lambda.steps = [otherwise];
    const { code, out, err } = await firebreak('simulate', SCENARIO.id, '--yes', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ judgement: { verdict }, preview: {}, run: { id: 'a2b3c4d5e6' } });
    expect(err).toMatch(why);
  });

  test('of which nobody could say how it went is not started', async () => {
    const { code, err } = await firebreak('simulate', SCENARIO.id, '--yes');
    expect([code, err.includes('passed')]).toEqual([0, false]);
    const unknown = { ...PREVIEW, scenario: '../cli/main' };
    lambda.fault = { status: 200, headers: {}, body: JSON.stringify(unknown) };
    const refused = await firebreak('simulate', '../cli/main', '--yes');
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('has no scenario ../cli/main') });
    expect(verbs().filter((verb) => verb === 'start')).toHaveLength(1);
  });

  test.each<[string, StandIn['fault'], RegExp]>([
    [
      'fails',
      {
        status: 200,
        headers: { 'X-Amz-Function-Error': 'Unhandled' },
        body: '{"errorType":"Error","errorMessage":"there is no scenario x","trace":[]}',
      },
      /^firebreak: firebreak-simulate failed: there is no scenario x\n$/,
    ],
    [
      'is killed',
      {
        status: 200,
        headers: { 'X-Amz-Function-Error': 'Unhandled' },
        body: '{"errorType":"Sandbox.Timedout","errorMessage":"Task timed out after 900.00 seconds"}',
      },
      /failed: Sandbox\.Timedout: Task timed out/,
    ],
    ['is not there', aws(404, 'ResourceNotFoundException'), /has no function firebreak-simulate in eu-west-1/],
    [
      'may not be asked',
      aws(403, 'AccessDeniedException'),
      /it needs lambda:InvokeFunction on arn:aws:lambda:eu-west-1:/,
    ],
    ['answers nothing', { status: 200, headers: {}, body: 'null' }, /answered what cannot be read: null/],
  ])('tells what it is when the function %s', async (_, fault, said) => {
    lambda.fault = fault;
    const { code, out, err } = await firebreak('simulate', SCENARIO.id, '--yes');
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(said);
  });

  test('is followed on when one look fails for a passing reason', async () => {
    lambda.steps = [WATCHING, {}];
    const followed = firebreak('simulation', 'status', 'a2b3c4d5e6', '--follow');
    while (lambda.asked.length === 0) await new Promise((looked) => setTimeout(looked, 20));
    lambda.fault = aws(500, 'ServiceException');
    expect((await followed).code).toBe(0);
  }, 20_000);
});

function aws(status: number, type: string): StandIn['fault'] {
  return { status, headers: { 'X-Amzn-ErrorType': type }, body: JSON.stringify({ Message: 'no', Type: 'User' }) };
}

describe('Ctrl-C', () => {
  const program = fileURLToPath(new URL('./main.ts', import.meta.url));
  let child: ChildProcess;
  let said = '';
  const heard = async (text: string): Promise<void> => {
    for (let waited = 0; !said.includes(text); waited += 50) {
      if (waited > 15_000) throw new Error(`it never said ${text}: ${said}`);
      await new Promise((passed) => setTimeout(passed, 50));
    }
  };
  const followed = async (): Promise<Promise<number | null>> => {
    said = '';
    child = spawn(process.execPath, [program, 'simulation', 'status', 'a2b3c4d5e6', '--follow'], { env: process.env });
    child.stderr?.on('data', (part: Buffer) => {
      said += part;
    });
    return new Promise((ended) => child.once('exit', ended));
  };

  test('has the run aborted, and waits until it is cleaned up', async () => {
    lambda.steps = [WATCHING];
    const end = followed();
    await heard('watching');
    child.kill('SIGINT');
    // As a terminal and the launcher do, which both tell of one keystroke.
    child.kill('SIGINT');
    expect(await end).toBe(130);
    expect(said).toContain('it is being aborted');
    expect(verbs()).toContain('abort');
    expect(said).toMatch(/\nclean\n/);
  }, 30_000);

  test('once more leaves it to itself, and says how to go on', async () => {
    lambda.steps = [WATCHING];
    const end = followed();
    await heard('watching');
    // The abort is taken, and the run is long in coming to its end.
    Object.defineProperty(lambda, 'aborted', { get: () => false, set: () => undefined });
    child.kill('SIGINT');
    await heard('it is being aborted');
    await new Promise((passed) => setTimeout(passed, 400));
    child.kill('SIGINT');
    expect(await end).toBe(130);
    expect(said).toContain('firebreak simulation status a2b3c4d5e6 --follow');
  }, 30_000);
});

describe('the runs', () => {
  test('are listed, with the scenarios', async () => {
    const { code, out } = await firebreak('simulation', 'list');
    expect(code).toBe(0);
    expect(out).toContain('T1537');
    expect(out).toMatch(/a2b3c4d5e6 .* clean .* 2026-Q4/);
  });

  test('can be aborted, for a reason', async () => {
    const { code, out } = await firebreak('simulation', 'abort', 'a2b3c4d5e6', '--reason', 'wrong account', '--json');
    expect(lambda.asked[0]).toEqual({ do: 'abort', run: 'a2b3c4d5e6', reason: 'wrong account' });
    expect([code, JSON.parse(out).run.status]).toEqual([0, 'clean']);
  });

  test('have a report, several as one exercise', async () => {
    const { code, out, err } = await firebreak('simulation', 'report', 'a2b3c4d5e6', 'b2b3c4d5e6', '--format', 'json');
    expect([code, err]).toEqual([0, '']);
    const { name, levels } = JSON.parse(out);
    expect([name, levels[0].fidelity, levels[0].runs.length]).toEqual(['2026-Q4', 'bus-replay', 2]);
    expect(lambda.asked).toEqual(['a2b3c4d5e6', 'b2b3c4d5e6'].map((run) => ({ do: 'status', run })));
  }, 20_000);

  test('show what happened, while they run too', async () => {
    lambda.steps = [WATCHING];
    const { code, out } = await firebreak('simulation', 'status', 'a2b3c4d5e6');
    expect(code).toBe(0);
    expect(out).toContain('firebreak-sim-a2b3c4d5e6-canary');
    expect(out).toMatch(/\+0\.0 s {2}injected/);
    expect(out).toContain('\nrunning ');
  });
});

test.each<[string, string[], RegExp]>([
  ['no scenario', ['simulate'], /missing required argument 'scenario'/],
  ['a fidelity that is none', ['simulate', 'x', '--fidelity', 'real'], /Allowed choices are tabletop/],
  ['an account that is none', ['simulate', 'x', '--account', '12'], /twelve-digit/],
  ['a parameter of no name', ['simulate', 'x', '--parameter', '__proto__=1'], /a name and a value/],
  ['a watch of two days', ['simulate', 'x', '--watch', '172800'], /from 1 to 86400/],
  ['an exercise that is markup', ['simulate', 'x', '--exercise', '<b>'], /letters, digits/],
  ['what is no id of a run', ['simulation', 'status', '../x'], /is not the id of a run/],
  ['an abort for no reason', ['simulation', 'abort', 'a2b3c4d5e6'], /required option '--reason <text>'/],
])('the command refuses %s with exit code 2', async (_, words, said) => {
  const { code, out, err } = await firebreak(...words);
  expect([code, out, lambda.asked]).toEqual([2, '', []]);
  expect(err).toMatch(said);
});

test('a parameter is JSON where it reads as such', () => {
  expect(parameter('list=["a=b"]', parameter('days=5', parameter('who=ann')))).toEqual({
    ...{ who: 'ann', days: 5, list: ['a=b'] },
  });
});
