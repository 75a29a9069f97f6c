import type { Place } from '../../engine/arn.ts';
import type { Permission } from '../../engine/remediation.ts';
import { RUN_TAG, runPrefix } from './kind.ts';

/** What IAM conditions say of a run: its id, or `*` for any. */
type Condition = NonNullable<Permission['condition']>;

/** Only where the call itself puts the run's tag on what it makes. */
export const madeFor = (run: string): Condition => ({ StringLike: { [`aws:RequestTag/${RUN_TAG}`]: run } });

/** Only what has the run's tag. */
export const taggedFor = (run: string): Condition => ({ StringLike: { [`aws:ResourceTag/${RUN_TAG}`]: run } });

/** What matches the ARNs of all of a type that EC2 has in a place. Images and snapshots are of a Region alone. */
export const ec2Arn = (type: string, { partition, region, account }: Place): string =>
  `arn:${partition}:ec2:${region}:${type === 'image' || type === 'snapshot' ? '' : account}:${type}/*`;

/** All that EC2 has in a Region: where an action and a condition say which of it. */
const anyOfEc2 = ({ partition, region }: Place): string[] => [`arn:${partition}:ec2:${region}:*:*/*`];

/** Actions of EC2 on what has the run's tag. Those of all kinds are one statement of a session policy. */
export const onItsOwn = (run: string, place: Place, ...actions: readonly string[]): Permission => ({
  actions,
  resources: anyOfEc2(place),
  condition: taggedFor(run),
});

/**
 * To tag on the way what calls of EC2 make, of whatever type, and nothing that is there already.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
 */
export const taggedWhenMade = (place: Place, ...calls: readonly string[]): Permission => ({
  actions: ['ec2:CreateTags'],
  resources: anyOfEc2(place),
  condition: { StringEquals: { 'ec2:CreateAction': calls } },
});

/** What matches the ARNs of a run's buckets, and of all that is in them. */
export const bucketsOf = (run: string, { partition }: Place): string => `arn:${partition}:s3:::${runPrefix(run)}*`;
