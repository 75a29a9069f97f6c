import {
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  IAMClient,
  paginateListAccessKeys,
  paginateListUsers,
  type User,
} from '@aws-sdk/client-iam';
import type { SessionConfig } from '../../engine/aws/session.ts';
import { unlessNotReady } from './gone.ts';
import { type Kind, runPrefix } from './kind.ts';

/** Of all users that runs make. */
export const USER_PATH = '/firebreak/';

/** Users of IAM and their access keys, known by their names. They get no permissions. */
export const user: Kind = {
  type: 'AWS::IAM::User',
  permissions: {
    read: ['iam:ListAccessKeys', 'iam:ListUsers'],
    own: (run, { partition, account }) => [
      {
        actions: ['iam:CreateAccessKey', 'iam:CreateUser', 'iam:DeleteAccessKey', 'iam:DeleteUser', 'iam:TagUser'],
        resources: [`arn:${partition}:iam::${account}:user${USER_PATH}${runPrefix(run)}*`],
      },
    ],
  },

  async inventory(session) {
    const iam = new IAMClient(session);
    const found = (await users(iam)).map(
      async ({ UserName = '', Path = '' }) =>
        [UserName, { path: Path, keys: await accessKeys(iam, UserName) }] as const,
    );
    return Object.fromEntries(await Promise.all(found));
  },

  async left(session, _place, run) {
    const made = await users(new IAMClient(session), USER_PATH);
    return made.flatMap(({ UserName = '' }) => (UserName.startsWith(runPrefix(run)) ? UserName : []));
  },

  // One whose key was deleted just now may still count as having it.
  remove: (session, _place, name) =>
    unlessNotReady(['NoSuchEntityException', 'DeleteConflictException'], removeUser(session, name)),
};

async function removeUser(session: SessionConfig, UserName: string): Promise<void> {
  const iam = new IAMClient(session);
  for (const AccessKeyId of Object.keys(await accessKeys(iam, UserName))) {
    await iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }));
  }
  await iam.send(new DeleteUserCommand({ UserName }));
}

async function users(client: IAMClient, PathPrefix?: string): Promise<User[]> {
  const found: User[] = [];
  for await (const { Users = [] } of paginateListUsers({ client }, { PathPrefix })) found.push(...Users);
  return found;
}

/** The status of each access key of a user, by its id. */
export async function accessKeys(client: IAMClient, UserName: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { AccessKeyMetadata = [] } of paginateListAccessKeys({ client }, { UserName })) {
    for (const { AccessKeyId = '', Status = '' } of AccessKeyMetadata) found[AccessKeyId] = Status;
  }
  return found;
}
