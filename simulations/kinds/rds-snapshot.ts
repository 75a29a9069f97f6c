import {
  type DBSnapshot,
  DeleteDBSnapshotCommand,
  DescribeDBSnapshotAttributesCommand,
  paginateDescribeDBSnapshots,
  RDSClient,
} from '@aws-sdk/client-rds';
import { tagsByKey } from '../../engine/aws/lists.ts';
import type { Json } from '../../engine/state.ts';
import { unlessGone, unlessThereIsNone } from './gone.ts';
import { type Kind, RUN_TAG, runPrefix } from './kind.ts';
import { madeFor, taggedFor } from './narrowed.ts';

const GONE = 'DBSnapshotNotFoundFault';

/**
 * Manual snapshots of database instances, copied from any.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonrds.html
 */
export const rdsSnapshot: Kind = {
  type: 'AWS::RDS::DBSnapshot',
  permissions: {
    read: ['rds:DescribeDBSnapshotAttributes', 'rds:DescribeDBSnapshots'],
    own(run, { partition, region, account }) {
      const snapshot = (name: string) => [`arn:${partition}:rds:${region}:${account}:snapshot:${name}`];
      return [
        // IAM is asked about the source too, which is not the run's.
        { actions: ['rds:CopyDBSnapshot'], resources: snapshot('firebreak-*'), condition: madeFor(run) },
        { actions: ['rds:AddTagsToResource'], resources: snapshot(`${runPrefix(run)}*`) },
        { actions: ['rds:DeleteDBSnapshot'], resources: snapshot('*'), condition: taggedFor(run) },
      ];
    },
  },

  async inventory(session) {
    const rds = new RDSClient(session);
    const found: Record<string, Json> = {};
    for (const { DBSnapshotIdentifier = '', Encrypted } of await manualSnapshots(rds)) {
      const sharedWith = await restorers(rds, DBSnapshotIdentifier);
      if (sharedWith) found[DBSnapshotIdentifier] = { encrypted: Encrypted === true, sharedWith };
    }
    return found;
  },

  left: async (session, _, run) =>
    (await manualSnapshots(new RDSClient(session)))
      .filter(({ TagList = [] }) => tagsByKey(TagList)[RUN_TAG] === run)
      .flatMap(({ DBSnapshotIdentifier }) => DBSnapshotIdentifier ?? []),

  async remove(session, _, DBSnapshotIdentifier) {
    const rds = new RDSClient(session);
    const call = rds.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier }));
    const isThere = async () => (await restorers(rds, DBSnapshotIdentifier)) !== undefined;
    await unlessGone(['InvalidDBSnapshotStateFault'], call, isThere);
  },
};

/** RDS knows no filter by tag. */
async function manualSnapshots(client: RDSClient): Promise<DBSnapshot[]> {
  const found: DBSnapshot[] = [];
  for await (const { DBSnapshots = [] } of paginateDescribeDBSnapshots({ client }, { SnapshotType: 'manual' })) {
    found.push(...DBSnapshots);
  }
  return found;
}

/** Who may restore a snapshot: account ids, or `all`. Undefined when it is gone by now. */
export async function restorers(rds: RDSClient, DBSnapshotIdentifier: string): Promise<string[] | undefined> {
  const asked = new DescribeDBSnapshotAttributesCommand({ DBSnapshotIdentifier });
  const answer = await unlessThereIsNone(GONE, rds.send(asked));
  if (!answer) return undefined;
  const attributes = answer.DBSnapshotAttributesResult?.DBSnapshotAttributes;
  if (!attributes) throw new Error('RDS answered without the attributes of the snapshot');
  const restore = attributes.find(({ AttributeName }) => AttributeName === 'restore');
  return [...(restore?.AttributeValues ?? [])].sort();
}
