import { scenarioContract } from '../../local/scenario-contract.ts';
import resourceGone from './resource-gone.ts';

scenarioContract(resourceGone);
