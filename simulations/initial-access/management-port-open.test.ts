import { createNetwork } from '../../local/exposures/network.ts';
import { scenarioContract } from '../../local/scenario-contract.ts';
import { NETWORK_TAGS } from '../network.ts';
import managementPortOpen from './management-port-open.ts';

scenarioContract(managementPortOpen, {
  async prepare(account) {
    await createNetwork(account, NETWORK_TAGS);
  },
});
