import { setTimeout as sleep } from 'node:timers/promises';
import { isTransient } from '../engine/errors.ts';
import type { Answers } from '../simulations/requests.ts';
import type { Moment, Run } from '../simulations/run.ts';
import { explain, Failure } from './failure.ts';
import type { Simulator } from './simulator.ts';
import type { Span, Terminal } from './terminal.ts';

/** Milliseconds between two looks: short while things happen, long while a service has to notice first. */
const LOOK_MS = 1_000;
const LATER_LOOK_MS = 5_000;
const SHORT_MS = 120_000;
/** Milliseconds after its end within which a run is cleaned up, also by the reaper, or is not any more. */
const GRACE_MS = 30 * 60_000;
/** Looks in a row that may fail for a passing reason. */
const MOST_FAILURES = 5;
/** Milliseconds within which a second Ctrl-C is the first: a terminal and the launcher both tell us of it. */
const SAME_KEYSTROKE_MS = 300;

/** How a run is followed to its end. */
export interface Followed {
  readonly record: Answers['status'];
  /** Whoever followed it asked for its end. */
  readonly aborted: boolean;
}

const isOver = ({ status }: Run): boolean => status === 'clean' || status === 'cleanup-failed';

/** How to look again at a run. */
export const lookAgain = (run: string): string => `firebreak simulation status ${run} --follow`;

/**
 * Follows a run until it is cleaned up, or is not any more, and tells meanwhile what happens. Ctrl-C has it aborted, which cleans
 * up too; Ctrl-C once more leaves it to itself. Undefined: it was left.
 * @throws {Failure} when nothing is heard of it
 */
export async function follow(run: string, simulator: Simulator, progress: Terminal): Promise<Followed | undefined> {
  const known = new Set<string>();
  const keys = ctrlC();
  let status: Run['status'] | undefined;
  let failures = 0;
  let asked = false;
  try {
    for (;;) {
      if (keys.pressed > 0 && !asked) {
        asked = true;
        progress.line(['yellow', 'it is being aborted and cleaned up; Ctrl-C again leaves it to itself']);
        await simulator.ask({ do: 'abort', run, reason: 'Ctrl-C of whoever followed it' });
      }
      if (keys.pressed > 1) return left(run, progress);
      const record = await simulator.ask({ do: 'status', run }).catch((error: unknown) => {
        failures += 1;
        if (!isTransient(error) || failures >= MOST_FAILURES) throw lost(run, error);
        return undefined;
      });
      if (record) {
        failures = 0;
        if (record.run.status !== status && !isOver(record.run)) progress.line(...statusSpans(record.run));
        for (const moment of record.timeline) {
          const key = JSON.stringify([moment.at, moment.what, moment.detail]);
          if (!known.has(key)) progress.line(...momentSpans(moment, record.timeline));
          known.add(key);
        }
        status = record.run.status;
        if (isOver(record.run)) {
          progress.line(...statusSpans(record.run));
          return { record, aborted: asked };
        }
        if (Date.now() > Date.parse(record.run.expiresAt) + GRACE_MS) {
          throw new Failure(`${run} should be over since ${record.run.expiresAt}, and is ${status}: ${lookAgain(run)}`);
        }
      }
      const age = record ? Date.now() - Date.parse(record.run.startedAt) : 0;
      await keys.within(age < SHORT_MS ? LOOK_MS : LATER_LOOK_MS);
    }
  } finally {
    keys.done();
  }
}

function left(run: string, progress: Terminal): undefined {
  progress.line(`it goes on by itself, and is cleaned up whatever comes: ${lookAgain(run)}`);
}

const lost = (run: string, error: unknown): Failure =>
  new Failure(`nothing is heard of ${run} any more, which goes on by itself (${explain(error)}): ${lookAgain(run)}`);

/** Where a run is, and what is left of it. */
export const statusSpans = ({ status, left = [] }: Run): Span[] => {
  if (status === 'cleanup-failed') return [['red', status], `: ${left.join(', ')}`];
  return [[status === 'clean' ? 'green' : 'bold', status]];
};

/** A moment in a line, with its distance from the injection. */
export function momentSpans({ at, what, detail, source }: Moment, timeline: readonly Moment[]): Span[] {
  const injected = timeline.find((moment) => moment.what === 'injected');
  const seconds = injected ? (Date.parse(at) - Date.parse(injected.at)) / 1_000 : undefined;
  const distance = seconds === undefined ? '' : `${seconds < 0 ? '' : '+'}${seconds.toFixed(1)} s`;
  return [
    ['dim', `  ${at.slice(11, 23)} ${distance.padStart(9)}  `],
    what.padEnd(12),
    '  ',
    detail,
    ['dim', `  ${source}`],
  ];
}

/** Counts Ctrl-C, and wakes whoever waits. */
function ctrlC() {
  let pressed = 0;
  let last = Number.NEGATIVE_INFINITY;
  let waking = new AbortController();
  const on = (): void => {
    if (Date.now() - last < SAME_KEYSTROKE_MS) return;
    last = Date.now();
    pressed += 1;
    waking.abort();
  };
  process.on('SIGINT', on);
  return {
    get pressed() {
      return pressed;
    },
    async within(ms: number): Promise<void> {
      await sleep(ms, undefined, { signal: waking.signal }).catch(() => undefined);
      waking = new AbortController();
    },
    done: () => process.off('SIGINT', on),
  };
}
