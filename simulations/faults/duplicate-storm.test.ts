import { scenarioContract } from '../../local/scenario-contract.ts';
import duplicateStorm from './duplicate-storm.ts';

scenarioContract(duplicateStorm);
