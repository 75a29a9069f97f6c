import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { appendLine, FOLDER_MODE, readLines } from '../engine/ledger/durable.ts';

/** Longer than any response takes. */
const CLAIM_MS = 15 * 60_000;

interface Claim {
  readonly claim: string;
  /** The response that is made under it. */
  readonly response: string;
  readonly pid: number;
  readonly host: string;
  readonly at: number;
}

type Line = Claim | { readonly released: readonly string[] };

/** The claim is ours, until it is released. */
export interface Held {
  /** Responses of processes that ended in the middle of their work, oldest first. */
  readonly interrupted: readonly string[];
  release(): void;
}

/** In words, who works on it at the moment. */
export interface Busy {
  readonly busy: string;
}

/**
 * One process of this machine at a time on a remediation and resource. Claims are lines added to a file: whoever wrote the
 * first line of those that still hold has it, so that no two can, and no crash leaves a lock behind.
 */
export class Claims {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @param key what is claimed; @param response what is made under the claim */
  take(key: string, response: string): Held | Busy {
    mkdirSync(this.#folder, { recursive: true, mode: FOLDER_MODE });
    const file = join(this.#folder, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.ndjson`);
    const own: Claim = { claim: randomUUID(), response, pid: process.pid, host: hostname(), at: Date.now() };
    appendLine(file, own);
    const lines = readLines<Line>(file);
    const released = new Set(lines.flatMap((line) => ('released' in line ? line.released : [])));
    const open = lines.filter((line) => 'claim' in line).filter(({ claim }) => !released.has(claim));
    const dead = open.filter((claim) => claim.claim !== own.claim && !holds(claim));
    const first = open.find((claim) => !dead.includes(claim));
    if (first && first.claim !== own.claim) {
      appendLine(file, { released: [own.claim] });
      return { busy: `process ${first.pid} on ${first.host} (response ${first.response})` };
    }
    return {
      interrupted: dead.map((claim) => claim.response),
      release: () => appendLine(file, { released: [own, ...dead].map(({ claim }) => claim) }),
    };
  }
}

const holds = ({ pid, host, at }: Claim): boolean =>
  Date.now() - at < CLAIM_MS && (host !== hostname() || isAlive(pid));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
