import {
  DescribeDBClusterSnapshotAttributesCommand,
  DescribeDBClusterSnapshotsCommand,
  DescribeDBSnapshotAttributesCommand,
  DescribeDBSnapshotsCommand,
  ModifyDBClusterSnapshotAttributeCommand,
  ModifyDBSnapshotAttributeCommand,
  paginateDescribeDBClusterSnapshots,
  paginateDescribeDBSnapshots,
  RDSClient,
} from '@aws-sdk/client-rds';
import { countUpTo, pageSizeFor, tagsByKey } from '../../engine/aws/lists.ts';
import { defineRemediation } from '../../engine/define.ts';
import { accessAnalyzer, cloudTrail, securityHub } from '../../engine/triggers.ts';
import { grantees, keepAllowed, sharing, sharingOf, sharingParameters } from './sharing.ts';

const CLUSTER = 'AWS::RDS::DBClusterSnapshot';
/** The attribute that holds who may restore: `all`, or account ids. */
const RESTORE = 'restore';
/** What list operations of RDS take as MaxRecords. */
const PAGE = { least: 20, most: 100 };
const somebodyAdded = { valuesToAdd: [{ exists: true }] };

/**
 * Takes a manual RDS snapshot back from everybody who is not allowed to restore it. Sharing with one outside account has no
 * fast native finding, so CloudTrail is the sensor for it.
 * https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBSnapshotAttribute.html
 */
export default defineRemediation({
  id: 'snapshots.privatize-rds-snapshot',
  title: 'Make an RDS snapshot private',
  risk: 'safe',
  handles: [
    securityHub('RDS.1'),
    accessAnalyzer('AWS::RDS::DBSnapshot', CLUSTER),
    cloudTrail('rds', 'ModifyDBSnapshotAttribute', somebodyAdded),
    cloudTrail('rds', 'ModifyDBClusterSnapshotAttribute', somebodyAdded),
  ],
  resource: ['AWS::RDS::DBSnapshot', CLUSTER],
  parameters: sharingParameters,
  state: sharing,
  permissions: {
    read: [
      'rds:DescribeDBClusterSnapshotAttributes',
      'rds:DescribeDBClusterSnapshots',
      'rds:DescribeDBSnapshotAttributes',
      'rds:DescribeDBSnapshots',
    ],
    write: ({ type, arn }) => [
      {
        actions: [type === CLUSTER ? 'rds:ModifyDBClusterSnapshotAttribute' : 'rds:ModifyDBSnapshotAttribute'],
        resources: [arn],
      },
    ],
  },
  gone: ['DBSnapshotNotFoundFault', 'DBClusterSnapshotNotFoundFault'],
  clients: (session) => ({ rds: new RDSClient(session) }),

  async tags({ rds }, { type, id }) {
    const snapshots =
      type === CLUSTER
        ? (await rds.send(new DescribeDBClusterSnapshotsCommand({ DBClusterSnapshotIdentifier: id })))
            .DBClusterSnapshots
        : (await rds.send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: id }))).DBSnapshots;
    if (!snapshots?.[0]) throw new Error('RDS answered without the snapshot');
    return tagsByKey(snapshots[0].TagList ?? []);
  },

  /** Of manual snapshots: no other can be shared. */
  population({ rds }, { type }, enough) {
    const manual = { SnapshotType: 'manual', MaxRecords: pageSizeFor(enough, PAGE) };
    return type === CLUSTER
      ? countUpTo(
          enough,
          paginateDescribeDBClusterSnapshots({ client: rds }, manual),
          ({ DBClusterSnapshots }) => DBClusterSnapshots,
        )
      : countUpTo(enough, paginateDescribeDBSnapshots({ client: rds }, manual), ({ DBSnapshots }) => DBSnapshots);
  },

  async read({ rds }, { type, id }) {
    const attributes =
      type === CLUSTER
        ? (await rds.send(new DescribeDBClusterSnapshotAttributesCommand({ DBClusterSnapshotIdentifier: id })))
            .DBClusterSnapshotAttributesResult?.DBClusterSnapshotAttributes
        : (await rds.send(new DescribeDBSnapshotAttributesCommand({ DBSnapshotIdentifier: id })))
            .DBSnapshotAttributesResult?.DBSnapshotAttributes;
    if (!attributes) throw new Error('RDS answered without the attributes of the snapshot');
    const restore = attributes.find(({ AttributeName }) => AttributeName === RESTORE);
    return { state: sharingOf(restore?.AttributeValues ?? []), facts: {} };
  },

  desired: (state, { parameters }) => keepAllowed(state, parameters),

  async write({ rds }, { type, id }, next, current) {
    const change = {
      AttributeName: RESTORE,
      ValuesToAdd: grantees(next, { notIn: current }),
      ValuesToRemove: grantees(current, { notIn: next }),
    };
    await (type === CLUSTER
      ? rds.send(new ModifyDBClusterSnapshotAttributeCommand({ DBClusterSnapshotIdentifier: id, ...change }))
      : rds.send(new ModifyDBSnapshotAttributeCommand({ DBSnapshotIdentifier: id, ...change })));
  },
});
