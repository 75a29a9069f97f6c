import type { ResourceType, TagSpecification } from '@aws-sdk/client-ec2';

/** Tags as the services list them. */
export const tagList = (tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/** Tags for what a call of EC2 makes. */
export const tagged = (type: ResourceType, tags: Readonly<Record<string, string>>): TagSpecification[] | undefined =>
  Object.keys(tags).length === 0 ? undefined : [{ ResourceType: type, Tags: tagList(tags) }];
