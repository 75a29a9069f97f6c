import { expect, test } from '@jest/globals';
import { MEMBER_ACCOUNTS } from '../../local/connection.ts';
import { sharedCloud } from '../../local/contract.ts';
import { scenarioContract } from '../../local/scenario-contract.ts';
import { openStage, sandboxAccount } from '../../local/stage.ts';
import allowListedLeftAlone from './allow-listed-left-alone.ts';

const [allowed, partner] = MEMBER_ACCOUNTS;

scenarioContract(allowListedLeftAlone, {
  parameters: { allowed },
  policy: { 'snapshots.privatize-ebs-snapshot': { allowedAccounts: [allowed] } },
});

test('shares with nobody whom it was not told', async () => {
  const cloud = sharedCloud();
  const environment = { ...process.env };
  const stage = await openStage(cloud, await sandboxAccount(cloud), partner, allowListedLeftAlone);
  const started = allowListedLeftAlone.warmUp(stage, allowListedLeftAlone.parameters.parse({}));
  await expect(started).rejects.toThrow(/the parameter allowed/);
  expect(stage.notes.journal).toEqual([]);
  process.env = environment;
});
