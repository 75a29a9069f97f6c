import { createNetwork } from '../../local/exposures/network.ts';
import { scenarioContract } from '../../local/scenario-contract.ts';
import { NETWORK_TAGS } from '../network.ts';
import unusedGroupLeft from './unused-group-left.ts';

scenarioContract(unusedGroupLeft, {
  async prepare(account) {
    await createNetwork(account, NETWORK_TAGS);
  },
});
