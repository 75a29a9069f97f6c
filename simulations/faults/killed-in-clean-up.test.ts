import { scenarioContract } from '../../local/scenario-contract.ts';
import killedInCleanUp from './killed-in-clean-up.ts';

scenarioContract(killedInCleanUp);
