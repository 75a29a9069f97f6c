import {
  GetAccessKeyLastUsedCommand,
  GetLoginProfileCommand,
  GetUserCommand,
  type IAMClient,
  paginateListAccessKeys,
} from '@aws-sdk/client-iam';

/** An access key that can be switched on and off. */
export interface AccessKey {
  readonly id: string;
  readonly status: string;
  readonly createdAt: Date;
}

/** The last use of an access key, within the 15 minutes of exactness that IAM has. */
export interface Use {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Prefix of the service, as in `s3`. */
  readonly service: string;
  readonly region: string;
}

/** The access keys of a user, less those that have expired, whose status nobody can set. */
export async function accessKeys(iam: IAMClient, UserName: string): Promise<AccessKey[]> {
  const found: AccessKey[] = [];
  for await (const { AccessKeyMetadata } of paginateListAccessKeys({ client: iam }, { UserName })) {
    if (!AccessKeyMetadata) throw new Error('IAM answered without a list of access keys');
    for (const { AccessKeyId, Status, CreateDate } of AccessKeyMetadata) {
      if (!AccessKeyId || !Status || !CreateDate)
        throw new Error('IAM listed an access key without id, status or date');
      if (Status !== 'Expired') found.push({ id: AccessKeyId, status: Status, createdAt: CreateDate });
    }
  }
  return found;
}

/**
 * When a key last signed a request; null when it never did, undefined when there is no such key any more: its user may still be.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html
 */
export async function lastUse(iam: IAMClient, AccessKeyId: string): Promise<Use | null | undefined> {
  const answer = await iam.send(new GetAccessKeyLastUsedCommand({ AccessKeyId })).catch((error: Error) => {
    if (error.name === 'NoSuchEntityException') return undefined;
    throw error;
  });
  if (!answer) return undefined;
  const { AccessKeyLastUsed: used } = answer;
  if (!used) throw new Error(`IAM does not say whether ${AccessKeyId} was ever used`);
  const { LastUsedDate, ServiceName = 'N/A', Region = 'N/A' } = used;
  return LastUsedDate ? { at: LastUsedDate.toISOString(), service: ServiceName, region: Region } : null;
}

/** When the console password was last used or, if it never was, made; undefined for a user without one. */
export async function passwordUnusedSince(iam: IAMClient, UserName: string): Promise<Date | undefined> {
  const [profile, { User }] = await Promise.all([
    iam.send(new GetLoginProfileCommand({ UserName })).catch((error: Error) => {
      if (error.name === 'NoSuchEntityException') return undefined;
      throw error;
    }),
    iam.send(new GetUserCommand({ UserName })),
  ]);
  if (!profile) return undefined;
  const made = profile.LoginProfile?.CreateDate;
  const used = User?.PasswordLastUsed;
  if (!User || !made) throw new Error('IAM does not say when the console password was made or used');
  return used && used > made ? used : made;
}
