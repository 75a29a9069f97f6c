import * as z from 'zod/mini';
import { guardDuty, securityHub } from '../engine/triggers.ts';
import type { Kind } from './kinds/kind.ts';
import type { Exercise } from './report/exercise.ts';
import type { Moment, RunRecord, Seen } from './run.ts';
import { defineScenario, type Scenario } from './scenario.ts';

/** A scenario and runs of it that nobody made: for tests of what judges and reports. */

const snapshots: Kind = {
  type: 'AWS::RDS::DBSnapshot',
  permissions: { read: [], own: () => [] },
  inventory: async () => ({}),
  left: async () => [],
  remove: async () => undefined,
};

export const SPECIMEN: Scenario = defineScenario({
  id: 'exfiltration.rds-snapshot-shared',
  title: 'An RDS snapshot is shared outside',
  story:
    'Somebody with a stolen session shares a manual snapshot of a database with an account outside the organisation, to ' +
    'restore it there. The snapshot has to be private again before anyone copies it.',
  attack: ['T1537', 'T1578.001'],
  csf: ['DE.CM-09', 'DE.AE-02', 'RS.MA-01', 'RS.MI-01', 'ID.IM-02'],
  safety: 'inert',
  cost: 0.02,
  minutes: { 'bus-replay': 5, 'handler-replay': 10, live: 90 },
  objectives: { detect: 5, respond: 10, contain: 15, recover: 30, acknowledge: 900 },
  kinds: [snapshots],
  permissions: () => [],
  parameters: z.strictObject({}),
  findings: [{ source: 'securityhub', type: 'RDS.1', sample: {}, names: () => ({}) }],
  responses: [
    {
      remediation: 'snapshots.privatize-rds-snapshot',
      outcome: 'verified',
      target: ({ snapshot }, { region, account }) => `arn:aws:rds:${region}:${account}:snapshot:${snapshot}`,
    },
  ],
  warmUp: async () => ({ snapshot: '' }),
  inject: async () => undefined,
  expect: async () => true,
  recovered: async () => true,
});

const START = Date.parse('2026-11-24T09:00:00.000Z');

/** Milliseconds after the start of a run of each moment, by what happened. */
export const OFFSETS = {
  started: 0,
  made: 1_140,
  injected: 1_810,
  detected: 2_020,
  alerted: 4_620,
  acted: 3_240,
  responded: 3_890,
  contained: 4_105,
  recovered: 4_390,
  cleaned: 9_720,
} as const satisfies Partial<Record<Moment['what'], number>>;

const DETAILS: Readonly<Partial<Record<Moment['what'], string>>> = {
  started: 'asked for by the schedule of the quarter',
  made: 'a copy of the golden snapshot',
  injected: 'the snapshot is shared with 333344445555',
  detected: 'securityhub RDS.1',
  alerted: 'a message to firebreak-alerts',
  acted: 'rds:ModifyDBSnapshotAttribute',
  responded: 'snapshots.privatize-rds-snapshot verified',
  contained: 'nobody outside can restore it',
  recovered: 'the snapshot is available',
  cleaned: 'the inventory is as before',
};

const SOURCES: Readonly<Partial<Record<Moment['what'], Moment['source']>>> = {
  detected: 'event',
  alerted: 'ledger',
  acted: 'ledger',
  responded: 'ledger',
  acknowledged: 'people',
};

/** What a specimen is otherwise than a run in which all goes well. */
export interface Otherwise {
  readonly run?: Partial<RunRecord['run']>;
  /** Milliseconds after the start; `undefined`: it does not happen. */
  readonly moments?: Partial<Record<Moment['what'], number | undefined>>;
  readonly responses?: readonly Partial<Seen>[];
  readonly asExpected?: boolean | undefined;
}

const sha = (digit: string): string => digit.repeat(64);
const RUN = 'a2b3c4d5e6';

/** What is kept of a run of SPECIMEN. */
export function specimen(otherwise: Otherwise = {}): RunRecord {
  const start = Date.parse(otherwise.run?.startedAt ?? new Date(START).toISOString());
  const at = (offset: number): string => new Date(start + offset).toISOString();
  const moments = Object.entries({ ...OFFSETS, ...otherwise.moments }) as [Moment['what'], number | undefined][];
  const response: Seen = {
    id: 'snapshots-k3q7v2m5xa',
    remediation: 'snapshots.privatize-rds-snapshot',
    target: `arn:aws:rds:eu-west-1:222233334444:snapshot:firebreak-sim-${RUN}-copy`,
    finding: { source: 'securityhub', type: 'RDS.1' },
    outcome: 'verified',
    reason: 'it reads back as planned',
    startedAt: at(2_430),
    finishedAt: at(OFFSETS.responded),
    digest: sha('7'),
  };
  const asExpected = 'asExpected' in otherwise ? otherwise.asExpected : true;
  return {
    run: {
      id: RUN,
      scenario: SPECIMEN.id,
      fidelity: 'bus-replay',
      place: { partition: 'aws', region: 'eu-west-1', account: '222233334444' },
      partner: '333344445555',
      parameters: {},
      exercise: '2026-Q4',
      launch: 'quarterly',
      startedAt: at(0),
      expiresAt: at(300_000),
      watchSeconds: 120,
      status: 'clean',
      things: { snapshot: `firebreak-sim-${RUN}-copy` },
      inventory: { before: sha('3'), after: sha('3') },
      finishedAt: at(OFFSETS.cleaned),
      ...otherwise.run,
    },
    timeline: moments
      .flatMap(([what, offset]): Moment[] =>
        offset === undefined
          ? []
          : [{ at: at(offset), what, detail: DETAILS[what] ?? what, source: SOURCES[what] ?? 'simulator' }],
      )
      .sort((a, b) => Date.parse(a.at) - Date.parse(b.at)),
    responses: (otherwise.responses ?? [{}]).map((each) => ({ ...response, ...each })),
    ...(asExpected !== undefined && { asExpected }),
  };
}

/** Runs of quarters before the specimen's, each as it was in milliseconds from the finding until contained. */
export const earlierSpecimens = (...contained: readonly number[]): RunRecord[] =>
  contained.map((ms, index) => {
    const quarters = contained.length - index;
    const day = new Date(START);
    day.setUTCMonth(day.getUTCMonth() - 3 * quarters);
    const quarter = Math.floor(day.getUTCMonth() / 3) + 1;
    return specimen({
      run: {
        id: `earlier22${'abcdefg'[index]}`,
        exercise: `${day.getUTCFullYear()}-Q${quarter}`,
        startedAt: day.toISOString(),
      },
      moments: {
        acted: OFFSETS.detected + Math.round(ms * 0.6),
        contained: OFFSETS.detected + ms,
        recovered: OFFSETS.detected + ms + 300,
      },
    });
  });

/** An exercise of runs of SPECIMEN, by their records, each with the same earlier runs. */
export const exerciseOf = (records: readonly RunRecord[], previous: readonly RunRecord[] = []): Exercise => ({
  name: '2026-Q4',
  writtenAt: '2026-11-24T12:00:00.000Z',
  runs: records.map((record) => ({ record, scenario: SPECIMEN, previous })),
  scenarios: [SPECIMEN, { ...SPECIMEN, id: 'exfiltration.bucket-exposed', attack: ['T1530'] }],
  catalogue: [
    { id: 'snapshots.privatize-rds-snapshot', title: 'Make an RDS snapshot private', handles: [securityHub('RDS.1')] },
    {
      id: 'storage.block-public-bucket',
      title: 'Block public access to a bucket',
      handles: [
        securityHub('S3.2', 'S3.8'),
        guardDuty('Policy:S3/BucketAnonymousAccessGranted', 'Policy:S3/BucketBlockPublicAccessDisabled'),
      ],
    },
  ],
});
