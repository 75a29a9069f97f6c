import {
  CopyDBSnapshotCommand,
  ModifyDBSnapshotAttributeCommand,
  RDSClient,
  waitUntilDBSnapshotAvailable,
} from '@aws-sdk/client-rds';
import * as z from 'zod/mini';
import type { Place } from '../../engine/arn.ts';
import shareRdsSnapshot from '../../events/samples/cloudtrail/share-rds-snapshot.json' with { type: 'json' };
import { taggedFor } from '../kinds/narrowed.ts';
import { rdsSnapshot, restorers } from '../kinds/rds-snapshot.ts';
import { tagList } from '../kinds/tags.ts';
import { defineScenario, type Stage } from '../scenario.ts';

interface SharedSnapshot {
  readonly snapshot: string;
  readonly partner: string;
  readonly [name: string]: string;
}

/** Seconds: RDS copies 20 GB in a few minutes. */
const WAIT = { minDelay: 5, maxDelay: 20, maxWaitTime: 600 };

const arnOf = (name: string, { partition, region, account }: Place): string =>
  `arn:${partition}:rds:${region}:${account}:snapshot:${name}`;

export default defineScenario({
  id: 'exfiltration.rds-snapshot-shared',
  title: 'A database snapshot is shared with another account',
  story:
    'Somebody lets an account outside restore a snapshot of a database, and so read all that is in it. No service has a ' +
    'finding for that at once, so that CloudTrail has to tell it. What was copied before is out of reach.',
  attack: ['T1537'],
  csf: ['ID.IM-02', 'DE.CM-09', 'DE.AE-02', 'RS.MA-02', 'RS.AN-06', 'RS.MI-01'],
  safety: 'inert',
  cost: 0.01,
  minutes: { 'handler-replay': 25, 'bus-replay': 20, live: 40 },
  objectives: { detect: 300, acknowledge: 900, respond: 60, contain: 120 },
  kinds: [rdsSnapshot],
  permissions: (run, place) => [
    {
      actions: ['rds:ModifyDBSnapshotAttribute'],
      resources: [arnOf('*', place)],
      condition: taggedFor(run),
    },
  ],
  parameters: z.strictObject({
    /** Name of a manual snapshot to copy, without data, and one of ours as its name says: making a database for each run would take ten minutes. */
    golden: z._default(z.string().check(z.regex(/^firebreak-[a-z0-9-]{1,50}$/)), 'firebreak-golden'),
  }),
  findings: [
    {
      source: 'cloudtrail',
      type: 'rds:ModifyDBSnapshotAttribute',
      sample: shareRdsSnapshot,
      names: ({ snapshot, partner }: SharedSnapshot) => ({
        'orders-before-migration': snapshot,
        '999900001111': partner,
      }),
    },
  ],
  responses: [
    {
      remediation: 'snapshots.privatize-rds-snapshot',
      outcome: 'verified',
      target: ({ snapshot }: SharedSnapshot, place) => arnOf(snapshot, place),
    },
  ],

  async warmUp(stage, { golden }): Promise<SharedSnapshot> {
    const client = new RDSClient(stage.session);
    const snapshot = stage.name('orders');
    await stage.make(rdsSnapshot, `the DB snapshot ${snapshot}, a copy of ${golden}`, () =>
      copy(client, golden, snapshot, stage),
    );
    await waitUntilDBSnapshotAvailable({ client, ...WAIT }, { DBSnapshotIdentifier: snapshot });
    return { snapshot, partner: stage.partner };
  },

  /** https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ShareSnapshot.html */
  async inject(stage, { snapshot, partner }) {
    await stage.change(`account ${partner} may restore it`, () =>
      new RDSClient(stage.session).send(
        new ModifyDBSnapshotAttributeCommand({
          DBSnapshotIdentifier: snapshot,
          AttributeName: 'restore',
          ValuesToAdd: [partner],
        }),
      ),
    );
  },

  expect: async ({ session }, { snapshot }) => (await restorers(new RDSClient(session), snapshot))?.length === 0,
});

/** @throws what to do when there is nothing to copy */
async function copy(client: RDSClient, golden: string, snapshot: string, { tags, place }: Stage): Promise<void> {
  const command = new CopyDBSnapshotCommand({
    SourceDBSnapshotIdentifier: golden,
    TargetDBSnapshotIdentifier: snapshot,
    Tags: tagList(tags),
  });
  await client.send(command).catch((error: unknown) => {
    if (!(error instanceof Error && error.name === 'DBSnapshotNotFoundFault')) throw error;
    const where = `account ${place.account}, ${place.region}`;
    throw new Error(
      `there is no manual DB snapshot ${golden} in ${where}: make one of an empty, unencrypted PostgreSQL database of 20 GB ` +
        '(aws rds create-db-snapshot), and delete the database; or name another by the parameter golden',
    );
  });
}
