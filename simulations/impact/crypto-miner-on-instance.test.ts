import { createNetwork } from '../../local/exposures/network.ts';
import { scenarioContract } from '../../local/scenario-contract.ts';
import { NETWORK_TAGS } from '../network.ts';
import cryptoMinerOnInstance from './crypto-miner-on-instance.ts';

scenarioContract(cryptoMinerOnInstance, {
  async prepare(account) {
    await createNetwork(account, NETWORK_TAGS);
  },
});
