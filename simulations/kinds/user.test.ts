import { CreateAccessKeyCommand, CreateUserCommand, IAMClient } from '@aws-sdk/client-iam';
import { expect, test } from '@jest/globals';
import { OUTSIDE_ACCOUNT } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { createAccessKey, createUser } from '../../local/exposures/identity.ts';
import { RehearsalStage, sandboxAccount } from '../../local/stage.ts';
import { USER_PATH, user } from './user.ts';

test('the users of a run are known by their names, and go with their keys', async () => {
  const account = await sandboxAccount(sharedCloud());
  const played = { id: 'kinds.user', kinds: [user], permissions: () => [] };
  const stage = await RehearsalStage.open(sharedCloud(), account, OUTSIDE_ACCOUNT, played);
  const neighbour = await createUser(account, `firebreak-sim-${stage.run}`, { path: USER_PATH });
  const key = await createAccessKey(account, `firebreak-sim-${stage.run}`, { created: 1, used: null });
  const before = await stage.inventory();
  expect(before).toEqual({ [user.type]: { [neighbour]: { [key]: 'Active' } } });

  const iam = new IAMClient(stage.session);
  const UserName = stage.name('one');
  await stage.make(user, 'a user', () => iam.send(new CreateUserCommand({ UserName, Path: USER_PATH })));
  await stage.change('a key', () => iam.send(new CreateAccessKeyCommand({ UserName })));
  expect(await user.left(stage.session, stage.place, stage.run)).toEqual([UserName]);
  expect(await stage.inventory()).not.toEqual(before);

  await user.remove(stage.session, stage.place, UserName);
  await user.remove(stage.session, stage.place, UserName);
  expect(await user.left(stage.session, stage.place, stage.run)).toEqual([]);
  expect(await stage.inventory()).toEqual(before);
});
