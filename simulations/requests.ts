import * as z from 'zod/mini';
import { ACCOUNT_ID, type Place } from '../engine/arn.ts';
import { shape } from '../engine/findings/reader.ts';
import type { Permission } from '../engine/remediation.ts';
import { LONGEST_REASON } from '../engine/response.ts';
import { RUN_ID } from './kinds/kind.ts';
import type { Run, RunRecord } from './run.ts';
import { FIDELITIES, type Fidelity, type Objectives, type Safety } from './scenario.ts';

const run = () => z.string().check(z.regex(RUN_ID, 'is not the id of a run'));

/** What a run is asked for with; what is left out is the deployment's, or the scenario's own. */
const wanted = {
  scenario: z.string().check(z.maxLength(100)),
  fidelity: z.optional(z.enum(FIDELITIES)),
  account: z.optional(z.string().check(z.regex(ACCOUNT_ID))),
  region: z.optional(z.string().check(z.regex(/^[a-z]{2}(?:-[a-z]{2,9}){1,2}-\d{1,2}$/, 'is not a Region'))),
  parameters: z.optional(z.record(z.string(), z.unknown())),
  /** What people call the exercise that it is a part of: `2026-Q4`. */
  exercise: z.optional(z.string().check(z.regex(/^[\w .-]{1,40}$/))),
  /** Seconds to wait for what is expected, from the injection on. */
  watch: z.optional(z.int().check(z.gte(1), z.lte(86_400))),
};

/** What firebreak-simulate is invoked with. IAM decides who may; CloudTrail says who did. */
export const request = shape(() =>
  z.discriminatedUnion('do', [
    /** The catalogue and the latest runs. */
    z.strictObject({ do: z.literal('list') }),
    /** What a run would make, cost and reach, and why it would not start. */
    z.strictObject({ do: z.literal('preview'), ...wanted }),
    z.strictObject({ do: z.literal('start'), ...wanted }),
    /** A run with all that was seen of it, and up to four before it of the same scenario and fidelity. */
    z.strictObject({ do: z.literal('status'), run: run() }),
    z.strictObject({ do: z.literal('abort'), run: run(), reason: z.string().check(z.maxLength(LONGEST_REASON)) }),
    /** All scenarios of the quarter, one after the other. */
    z.strictObject({ do: z.literal('quarter') }),
    z.strictObject({ do: z.literal('canary') }),
    /** By the function itself: go on with a run. */
    z.strictObject({ do: z.literal('go'), run: run() }),
    /** By the dead-man timer: the time of a run is over. */
    z.strictObject({ do: z.literal('expire'), run: run() }),
    /** By the reaper's schedule, with its own time: go on with every run that nobody works on. */
    z.strictObject({ do: z.literal('tend'), at: z.optional(z.iso.datetime()) }),
  ]),
);
export type SimulateRequest = z.infer<ReturnType<typeof request>>;

/** What a run would do. */
export interface Preview {
  readonly scenario: string;
  readonly title: string;
  readonly story: string;
  readonly fidelity: Fidelity;
  readonly place: Place;
  readonly partner: string;
  readonly safety: Safety;
  /** US dollars at most. */
  readonly cost: number;
  /** Minutes at most. */
  readonly minutes: number;
  readonly objectives: Objectives;
  /** CloudFormation types of what it makes. */
  readonly makes: readonly string[];
  /** What its session may change, with `<run>` for the id of the run. */
  readonly may: readonly Permission[];
  readonly findings: readonly { readonly source: string; readonly type: string }[];
  readonly responses: readonly { readonly remediation: string; readonly outcome: string }[];
  /** Why it would not start now; empty: it would. */
  readonly refusals: readonly string[];
}

/** A scenario as the list shows it. */
export interface Listed {
  readonly id: string;
  readonly title: string;
  readonly attack: readonly string[];
  readonly safety: Safety;
  readonly cost: number;
  readonly fidelities: readonly Fidelity[];
}

/** What comes back, by what was asked. */
export interface Answers {
  readonly list: { readonly scenarios: readonly Listed[]; readonly runs: readonly Run[] };
  readonly preview: Preview;
  readonly start: { readonly run: Run };
  readonly status: RunRecord & { readonly previous: readonly RunRecord[] };
  readonly abort: { readonly run: Run };
}
