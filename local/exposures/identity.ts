import { CreateAccessKeyCommand, CreateLoginProfileCommand, CreateUserCommand, IAMClient } from '@aws-sdk/client-iam';
import type { Account } from '../specimen.ts';
import { tagList } from './tags.ts';

const DAY_MS = 86_400_000;

/** Makes a user of IAM, with a console password where it is asked for, and answers its ARN. */
export async function createUser(
  { client }: Account,
  UserName: string,
  { path: Path = '/', password, tags = {} }: { path?: string; password?: string; tags?: Record<string, string> } = {},
): Promise<string> {
  const iam = new IAMClient(client);
  const { User } = await iam.send(new CreateUserCommand({ UserName, Path, Tags: tagList(tags) }));
  if (password) await iam.send(new CreateLoginProfileCommand({ UserName, Password: password }));
  return User?.Arn ?? '';
}

/** Gives a user an active access key that was made and last used so many days ago (null: never), and answers its id. */
export async function createAccessKey(
  account: Account,
  UserName: string,
  daysAgo: { created: number; used: number | null },
): Promise<string> {
  const { AccessKey } = await new IAMClient(account.client).send(new CreateAccessKeyCommand({ UserName }));
  const id = AccessKey?.AccessKeyId ?? '';
  const date = (days: number) => new Date(Date.now() - days * DAY_MS);
  await account.setKeyAge(id, {
    createDate: date(daysAgo.created),
    lastUsed: daysAgo.used === null ? null : date(daysAgo.used),
  });
  return id;
}
