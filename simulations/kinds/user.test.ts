import { randomUUID } from 'node:crypto';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, UpdateAccessKeyCommand } from '@aws-sdk/client-iam';
import { createAccessKey, createUser } from '../../local/exposures/identity.ts';
import { kindContract } from '../../local/kind-contract.ts';
import { tagList } from './tags.ts';
import { accessKeys, USER_PATH, user } from './user.ts';

kindContract(user, {
  async make(stage) {
    const iam = new IAMClient(stage.session);
    const UserName = stage.name('one');
    const command = new CreateUserCommand({ UserName, Path: USER_PATH, Tags: tagList(stage.tags) });
    await stage.make(user, 'a user', () => iam.send(command));
    await stage.change('a key of it', () => iam.send(new CreateAccessKeyCommand({ UserName })));
    return UserName;
  },
  async makeForeign(account) {
    const name = `exporter-${randomUUID()}`;
    await createUser(account, name, { path: USER_PATH });
    await createAccessKey(account, name, { created: 1, used: null });
    return name;
  },
  async alter({ client }, UserName) {
    const iam = new IAMClient(client);
    const [AccessKeyId] = Object.keys(await accessKeys(iam, UserName));
    await iam.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: 'Inactive' }));
  },
});
