import {
  DescribeSnapshotAttributeCommand,
  DescribeSnapshotsCommand,
  EC2Client,
  ModifySnapshotAttributeCommand,
  paginateDescribeSnapshots,
} from '@aws-sdk/client-ec2';
import { countUpTo, EC2_PAGE, pageSizeFor, tagsByKey } from '../../engine/aws/lists.ts';
import { defineRemediation } from '../../engine/define.ts';
import { targetOf } from '../../engine/targets.ts';
import { accessAnalyzer, cloudTrail, securityHub } from '../../engine/triggers.ts';
import { EVERYBODY, grantees, keepAllowed, sharing, sharingOf, sharingParameters } from './sharing.ts';

const SNAPSHOT = 'AWS::EC2::Snapshot';
/** The most permissions that one call may change. */
const MODIFICATIONS = 500;
const added = (who: 'group' | 'userId') => ({
  createVolumePermission: { add: { items: { [who]: [{ exists: true }] } } },
});

/**
 * Takes an EBS snapshot back from everybody who is not allowed to make volumes of it.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySnapshotAttribute.html
 */
export default defineRemediation({
  id: 'snapshots.privatize-ebs-snapshot',
  title: 'Make an EBS snapshot private',
  risk: 'safe',
  handles: [
    securityHub('EC2.1'),
    accessAnalyzer(SNAPSHOT),
    cloudTrail('ec2', 'ModifySnapshotAttribute', added('group')),
    cloudTrail('ec2', 'ModifySnapshotAttribute', added('userId')),
  ],
  resource: [SNAPSHOT],
  parameters: sharingParameters,
  state: sharing,
  permissions: {
    read: ['ec2:DescribeSnapshotAttribute', 'ec2:DescribeSnapshots'],
    write: ({ arn }) => [{ actions: ['ec2:ModifySnapshotAttribute'], resources: [arn] }],
  },
  gone: ['InvalidSnapshot.NotFound'],
  clients: (session) => ({ ec2: new EC2Client(session) }),

  /** EC2.1 names the account: it means every public snapshot that the account owns in the Region. */
  async targets({ ec2 }, finding) {
    if (!finding.resources.some(({ type }) => type === 'AWS::Account')) return undefined;
    const pages = paginateDescribeSnapshots(
      { client: ec2, pageSize: 1_000 },
      { OwnerIds: ['self'], RestorableByUserIds: [EVERYBODY] },
    );
    const ids: string[] = [];
    for await (const { Snapshots = [] } of pages) ids.push(...Snapshots.flatMap(({ SnapshotId = [] }) => SnapshotId));
    return ids.map((id) => targetOf(SNAPSHOT, finding, id)).filter((target) => target !== undefined);
  },

  async tags({ ec2 }, { id }) {
    const { Snapshots } = await ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [id] }));
    if (!Snapshots?.[0]) throw new Error('EC2 answered without the snapshot');
    return tagsByKey(Snapshots[0].Tags ?? []);
  },

  population({ ec2 }, _, enough) {
    const own = { OwnerIds: ['self'], MaxResults: pageSizeFor(enough, EC2_PAGE) };
    return countUpTo(enough, paginateDescribeSnapshots({ client: ec2 }, own), ({ Snapshots }) => Snapshots);
  },

  async read({ ec2 }, { id }) {
    const { CreateVolumePermissions: permissions } = await ec2.send(
      new DescribeSnapshotAttributeCommand({ SnapshotId: id, Attribute: 'createVolumePermission' }),
    );
    if (!permissions) throw new Error('EC2 answered without the permissions of the snapshot');
    return { state: sharingOf(permissions.map(({ Group, UserId }) => Group ?? UserId)), facts: {} };
  },

  desired: (state, { parameters }) => keepAllowed(state, parameters),

  async write({ ec2 }, { id }, next, current) {
    const changes = [
      ...chunks(grantees(current, { notIn: next })).map((who) => ({ Remove: who.map(permission) })),
      ...chunks(grantees(next, { notIn: current })).map((who) => ({ Add: who.map(permission) })),
    ];
    for (const change of changes) {
      await ec2.send(new ModifySnapshotAttributeCommand({ SnapshotId: id, CreateVolumePermission: change }));
    }
  },
});

const permission = (who: string) => (who === EVERYBODY ? ({ Group: EVERYBODY } as const) : { UserId: who });

const chunks = (list: readonly string[]): (readonly string[])[] =>
  Array.from({ length: Math.ceil(list.length / MODIFICATIONS) }, (_, index) =>
    list.slice(index * MODIFICATIONS, (index + 1) * MODIFICATIONS),
  );
