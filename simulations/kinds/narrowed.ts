import type { Place } from '../../engine/arn.ts';
import type { Permission } from '../../engine/remediation.ts';
import { RUN_TAG, runPrefix } from './kind.ts';

/** What IAM conditions say of a run: its id, or `*` for any. */
type Condition = NonNullable<Permission['condition']>;

/** Only where the call itself puts the run's tag on what it makes. */
export const madeFor = (run: string): Condition => ({ StringLike: { [`aws:RequestTag/${RUN_TAG}`]: run } });

/** Only what has the run's tag. */
export const taggedFor = (run: string): Condition => ({ StringLike: { [`aws:ResourceTag/${RUN_TAG}`]: run } });

/**
 * To tag on the way what a call of EC2 makes, and nothing that is there already.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
 */
export const taggedWhenMade = (call: string, resources: readonly string[]): Permission => ({
  actions: ['ec2:CreateTags'],
  resources,
  condition: { StringEquals: { 'ec2:CreateAction': call } },
});

/** What matches the ARNs of a run's buckets, and of all that is in them. */
export const bucketsOf = (run: string, { partition }: Place): string => `arn:${partition}:s3:::${runPrefix(run)}*`;
