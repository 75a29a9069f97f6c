import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Cloud, startCloud } from '../../local/cloud.ts';
import type { Call } from '../../local/doors.ts';
import type { LogLine } from '../../local/lambda-environment.ts';
import type { Account } from '../../local/specimen.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Everything that the catalogue has happens by itself. */
const POLICY = path.join(ROOT, 'local/demo-policy.yml');

/** A program that ended. */
export interface Ended {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
  /** Wall clock, from its start to its end. */
  readonly milliseconds: number;
}

/** What the measurements of one run share: an embedded cloud, started when it is first needed, and a folder. */
export class Bench {
  readonly folder = path.join(ROOT, '.firebreak', `bench-${process.pid}`);
  readonly progress: (step: string) => void;
  /** Resources of the throttle storm. */
  readonly storm: number;
  readonly #logged: LogLine[] = [];
  #cloud: Promise<Cloud> | undefined;
  #lastCall = 0;

  constructor(progress: (step: string) => void, storm: number) {
    this.progress = progress;
    this.storm = storm;
    mkdirSync(this.folder, { recursive: true });
  }

  /** The embedded cloud with the service deployed. */
  cloud(): Promise<Cloud> {
    this.#cloud ??= startCloud({
      policy: POLICY,
      // As it is deployed without a parameter.
      registers: ['opscenter'],
      progress: this.progress,
      log: (line) => void this.#logged.push(line),
    });
    return this.#cloud;
  }

  async account(id: string, region: string): Promise<Account> {
    return (await this.cloud()).connection.account(id, region);
  }

  /** The calls that the embedded cloud answered since the last time. */
  async calls(): Promise<readonly Call[]> {
    const made = await (await this.cloud()).connection.doors.calls(this.#lastCall);
    this.#lastCall = made.at(-1)?.sequence ?? this.#lastCall;
    return made;
  }

  /** The lines that functions wrote since the last time. */
  logged(): LogLine[] {
    return this.#logged.splice(0);
  }

  /** Stops and removes all that was started and made. */
  async end(): Promise<void> {
    await (await this.#cloud?.catch(() => undefined))?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Settings by which any SDK acts as the administrator of an account of the embedded cloud. */
export const environmentOf = ({ region, client: { endpoint, credentials } }: Account): Record<string, string> => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  AWS_SESSION_TOKEN: credentials.sessionToken ?? '',
  AWS_EC2_METADATA_DISABLED: 'true',
});

/** Runs a program to its end, with these variables beside the PATH and nothing else of this process. */
export async function run(
  file: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const began = performance.now();
  const child = spawn(file, args, {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  try {
    const [output, errors, status] = await Promise.all([
      child.stdout.toArray(),
      child.stderr.toArray(),
      new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve)),
    ]);
    const milliseconds = performance.now() - began;
    return {
      status,
      output: Buffer.concat(output).toString(),
      errors: Buffer.concat(errors).toString(),
      milliseconds,
    };
  } finally {
    process.off('exit', end);
  }
}

/** Does something for each item, so many at a time. */
export async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>, atOnce = 8): Promise<void> {
  const left = [...items];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
    }),
  );
}
