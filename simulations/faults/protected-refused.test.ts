import { createNetwork } from '../../local/exposures/network.ts';
import { scenarioContract } from '../../local/scenario-contract.ts';
import { NETWORK_TAGS } from '../network.ts';
import protectedRefused from './protected-refused.ts';

scenarioContract(protectedRefused, {
  async prepare(account) {
    await createNetwork(account, NETWORK_TAGS);
  },
});
